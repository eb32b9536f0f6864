{#- A source is where its yml says its files are. DuckDB's adapter reads that itself; other engines ask here. -#}
{%- macro source(source_name, table_name) -%}
{%- set relation = builtins.source(source_name, table_name) -%}
{{ return(adapter.dispatch('source_relation', 'muster')(relation, source_name, table_name)) }}
{%- endmacro %}

{%- macro default__source_relation(relation, source_name, table_name) -%}
{{ return(relation) }}
{%- endmacro %}

{#- The same files, read directly: parquet.`<home>/landing/crm/profiles/*.parquet`. -#}
{%- macro spark__source_relation(relation, source_name, table_name) -%}
{%- if not execute -%}
    {{ return(relation) }}
{%- endif -%}
{%- set source = graph.sources.values()
    | selectattr('source_name', 'equalto', source_name)
    | selectattr('name', 'equalto', table_name)
    | first -%}
{%- set files = source.config.meta.external_location.split("'")[1] | replace('{name}', table_name) -%}
{{ return('parquet.`' ~ files ~ '`') }}
{%- endmacro %}
