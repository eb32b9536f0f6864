{#- The timestamp so many whole days before another one. -#}
{%- macro days_before(moment, days) -%}
cast({{ dbt.dateadd('day', '-(' ~ days ~ ')', moment) }} as timestamp)
{%- endmacro %}
