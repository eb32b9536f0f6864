{#- Monday 00:00 of a timestamp's ISO week. -#}
{%- macro week_start(moment) -%}
cast({{ dbt.date_trunc('week', moment) }} as timestamp)
{%- endmacro %}
