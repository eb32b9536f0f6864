{#- Whole calendar days from one timestamp to another (UTC). -#}
{%- macro days_between(start, end) -%}
cast({{ dbt.datediff('cast(' ~ start ~ ' as date)', 'cast(' ~ end ~ ' as date)', 'day') }} as int)
{%- endmacro %}
