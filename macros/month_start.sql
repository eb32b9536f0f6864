{#- The first day of a moment's month. -#}
{%- macro month_start(moment) -%}
cast({{ dbt.date_trunc('month', moment) }} as date)
{%- endmacro %}
