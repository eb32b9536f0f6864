{#-
    What every row of a table without a key must have: a value in each of these columns, and in a column of `values`
    (`{column: [value, …]}`) one of these or nothing. One look at the table for all of them.
-#}
{% test not_null_columns(model, columns, values={}) %}
select
    case
        {%- for column in columns %}
        when {{ column }} is null then '{{ column }} is null'
        {%- endfor %}
        {%- for column, accepted in values.items() %}
        when {{ is_another_value(column, accepted) }} then '{{ column }} is another value'
        {%- endfor %}
    end as violation
from {{ model }}
where
    {{ columns | join(' is null or ') }} is null
    {%- for column, accepted in values.items() %}
    or {{ is_another_value(column, accepted) }}
    {%- endfor %}
{% endtest %}
