{#- The timestamp so many hours after another one. -#}
{%- macro hours_after(moment, hours) -%}
cast({{ dbt.dateadd('hour', hours, moment) }} as timestamp)
{%- endmacro %}
