{#- The one clock of every model: UTC, from the run, never from the machine. -#}
{%- macro as_of() -%}
{%- if var('is_recheck') -%}
cast(getvariable('as_of') as timestamp)
{%- else -%}
cast('{{ var("as_of") }}' as timestamp)
{%- endif -%}
{%- endmacro %}
