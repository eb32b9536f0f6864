{#- A name in the form that is compared: lower case, without blanks, hyphens, apostrophes and dots; null if empty. -#}
{%- macro name_key(name) -%}
nullif(replace(replace(replace(replace(lower({{ name }}), ' ', ''), '-', ''), '''', ''), '.', ''), '')
{%- endmacro %}
