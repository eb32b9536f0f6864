{#- A timestamp's date as 2026-11-21. -#}
{%- macro iso_date(moment) -%}
cast(cast({{ moment }} as date) as string)
{%- endmacro %}
