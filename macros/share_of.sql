{#- A part of a whole (0 to 1) with six digits; null where there is no whole. -#}
{%- macro share_of(part, whole) -%}
cast(cast({{ part }} as double) / cast(nullif({{ whole }}, 0) as double) as decimal(9, 6))
{%- endmacro %}
