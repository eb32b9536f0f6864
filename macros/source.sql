{#- A source is where its yml says its files are, in the home of this run: there `@muster_home@` stands for it, as
    a parse of the project outlives the home. DuckDB's adapter reads the place itself; other engines ask here. -#}
{%- macro source(source_name, table_name) -%}
{%- set relation = builtins.source(source_name, table_name) -%}
{%- if not execute -%}
    {{ return(relation) }}
{%- endif -%}
{{ return(adapter.dispatch('source_relation', 'muster')(relation, source_name, table_name)) }}
{%- endmacro %}

{#- A fixture of a unit test stands for its source, and has no files. -#}
{%- macro default__source_relation(relation, source_name, table_name) -%}
{%- if not relation.external -%}
    {{ return(relation) }}
{%- endif -%}
{%- set home = env_var('MUSTER_HOME', 'var') | replace("'", "''") -%}
{{ return(relation.replace(external=relation.external | replace('@muster_home@', home))) }}
{%- endmacro %}

{#- The same files, read directly: parquet.`<home>/landing/crm/profiles/*.parquet`. A fixture is a query. -#}
{%- macro spark__source_relation(relation, source_name, table_name) -%}
{%- if relation.is_cte -%}
    {{ return(relation) }}
{%- endif -%}
{%- set source = graph.sources.values()
    | selectattr('source_name', 'equalto', source_name)
    | selectattr('name', 'equalto', table_name)
    | first -%}
{%- set files = source.config.meta.external_location.split("'")[1]
    | replace('{name}', table_name)
    | replace('@muster_home@', env_var('MUSTER_HOME', 'var')) -%}
{{ return('parquet.`' ~ files ~ '`') }}
{%- endmacro %}
