{#- The one clock of every model: UTC, from the run, never from the machine. -#}
{%- macro as_of() -%}
{%- if run_value('is_recheck') -%}
cast(getvariable('as_of') as timestamp)
{%- else -%}
cast('{{ run_value("as_of") }}' as timestamp)
{%- endif -%}
{%- endmacro %}
