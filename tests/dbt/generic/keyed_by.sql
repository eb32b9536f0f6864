{#-
    The shape of a table in one look at it: no two rows share the key (a missing value is a value of its own), and none
    of the columns that must be there is missing. One test for each table, because each costs every build its start.
-#}
{% test keyed_by(model, key, not_null=[]) %}
with rows_counted as (

    select
        *,
        count(*) over (partition by {{ key | join(', ') }}) as rows_of_key
    from {{ model }}

)

select
    case
        {%- for column in not_null %}
        when {{ column }} is null then '{{ column }} is missing'
        {%- endfor %}
        else 'the key is repeated'
    end as violation
from rows_counted
where
    rows_of_key > 1
    {%- for column in not_null %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
