{#-
    The shape of a table in one look at it: no two rows share the key (a missing value is a value of its own), none of
    the columns that must be there is missing, and a column of `values` (`{column: [value, …]}`) holds one of these or
    nothing. One test for each table, because each costs every build its start. Of a broken key it says which promise
    was broken how often: rows_of_key, without_<column>, other_<column>.
-#}
{% test keyed_by(model, key, not_null=[], values={}) %}
select
    {{ key | join(', ') }},
    count(*) as rows_of_key
    {%- for column in not_null %},
    count(*) - count({{ column }}) as without_{{ column }}
    {%- endfor %}
    {%- for column, accepted in values.items() %},
    count(case when {{ is_another_value(column, accepted) }} then 1 end) as other_{{ column }}
    {%- endfor %}
from {{ model }}
group by {{ key | join(', ') }}
having
    count(*) > 1
    {%- for column in not_null %}
    or count({{ column }}) < count(*)
    {%- endfor %}
    {%- for column, accepted in values.items() %}
    or count(case when {{ is_another_value(column, accepted) }} then 1 end) > 0
    {%- endfor %}
{% endtest %}
