{#- A timestamp's ISO week as 2026-W47. The week belongs to the year of its Thursday. -#}
{%- macro iso_week(moment) -%}
cast(extract(year from {{ hours_after(week_start(moment), 72) }}) as string)
        || '-W' || lpad(cast(extract(week from {{ moment }}) as string), 2, '0')
{%- endmacro %}
