{#- A stable number from 0 to 9999 for a text: for holdouts, variants and samples. -#}
{%- macro md5_bucket(text) -%}
{{ return(adapter.dispatch('md5_bucket', 'muster')(text)) }}
{%- endmacro %}

{%- macro default__md5_bucket(text) -%}
cast(cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) % 10000 as int)
{%- endmacro %}

{%- macro spark__md5_bucket(text) -%}
cast(cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as bigint) % 10000 as int)
{%- endmacro %}
