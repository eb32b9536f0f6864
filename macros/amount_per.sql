{#- An amount for each of so many, with four digits; null where there are none. -#}
{%- macro amount_per(amount, number) -%}
cast(cast({{ amount }} as double) / cast(nullif({{ number }}, 0) as double) as decimal(18, 4))
{%- endmacro %}
