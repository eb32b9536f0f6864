{#- Every match of a regular expression replaced: DuckDB's own function stops at the first one, Spark's does not. -#}
{%- macro replace_all(text, pattern, replacement) -%}
{{ return(adapter.dispatch('replace_all', 'muster')(text, pattern, replacement)) }}
{%- endmacro %}

{%- macro default__replace_all(text, pattern, replacement) -%}
regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{#- A raw literal: in an ordinary one Spark takes the backslashes for itself. -#}
{%- macro spark__replace_all(text, pattern, replacement) -%}
regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}
