{#- The wall time in a zone (an IANA name) at a UTC timestamp. -#}
{%- macro to_local_time(moment, zone) -%}
{{ return(adapter.dispatch('to_local_time', 'muster')(moment, zone)) }}
{%- endmacro %}

{%- macro default__to_local_time(moment, zone) -%}
timezone({{ zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}

{%- macro spark__to_local_time(moment, zone) -%}
from_utc_timestamp({{ moment }}, {{ zone }})
{%- endmacro %}
