{#- A layer's schema is its own name, in every target. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name or target.schema }}
{%- endmacro %}
