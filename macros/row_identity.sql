{#- A number for each row of a table that is being written: unique within it, and without any meaning. -#}
{%- macro row_identity() -%}
{{ return(adapter.dispatch('row_identity', 'muster')()) }}
{%- endmacro %}

{%- macro default__row_identity() -%}
cast(row_number() over () as bigint)
{%- endmacro %}

{%- macro spark__row_identity() -%}
monotonically_increasing_id()
{%- endmacro %}
