{#-
    The shape of a table in one look at it: no two rows share the key (a missing value is a value of its own), and none
    of the columns that must be there is missing. One test for each table, because each costs every build its start.
-#}
{% test keyed_by(model, key, not_null=[]) %}
select
    {{ key | join(', ') }},
    count(*) as rows_of_key
    {%- for column in not_null %},
    count(*) - count({{ column }}) as without_{{ column }}
    {%- endfor %}
from {{ model }}
group by {{ key | join(', ') }}
having
    count(*) > 1
    {%- for column in not_null %}
    or count({{ column }}) < count(*)
    {%- endfor %}
{% endtest %}
