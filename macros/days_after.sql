{#- The timestamp so many whole days after another one. -#}
{%- macro days_after(moment, days) -%}
cast({{ dbt.dateadd('day', days, moment) }} as timestamp)
{%- endmacro %}
