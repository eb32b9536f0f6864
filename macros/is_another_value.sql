{#- Whether a column holds something else than these values, texts or numbers. Nothing is nothing else. -#}
{% macro is_another_value(column, values) -%}
    {{ column }} not in (
    {%- for value in values %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}
