{#- A value that a run sets: `MUSTER_<NAME>` of the environment, else the variable of that name. The environment is
    asked at execution only, so that one parse of the project serves every run; dbt parses anew for other `--vars`.
    A unit test states variables, and gets those. -#}
{%- macro run_value(name) -%}
{%- set stated = var(name) -%}
{%- set is_unit_test = model is defined and model.resource_type == 'unit_test' -%}
{%- set given = env_var('MUSTER_' ~ name | upper, '') if execute and not is_unit_test else '' -%}
{%- if given and stated is sequence and stated is not string -%}
    {{ return(given.split(',')) }}
{%- endif -%}
{{ return(given or stated) }}
{%- endmacro %}
