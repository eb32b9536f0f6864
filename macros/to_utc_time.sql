{#- The UTC timestamp at a wall time in a zone (an IANA name). -#}
{%- macro to_utc_time(local, zone) -%}
{{ return(adapter.dispatch('to_utc_time', 'muster')(local, zone)) }}
{%- endmacro %}

{%- macro default__to_utc_time(local, zone) -%}
timezone('UTC', timezone({{ zone }}, {{ local }}))
{%- endmacro %}

{%- macro spark__to_utc_time(local, zone) -%}
to_utc_timestamp({{ local }}, {{ zone }})
{%- endmacro %}
