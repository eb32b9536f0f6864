{#- No row may lack a value in any of these columns: one look at the table for all of them. -#}
{% test not_null_columns(model, columns) %}
select
    case
        {%- for column in columns %}
        when {{ column }} is null then '{{ column }}'
        {%- endfor %}
    end as empty_column
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
