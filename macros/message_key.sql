{#- The identity of one message (campaign, slot, step and customer), or of one wish of a set (campaign, slot, set and
    customer). The same for ever. -#}
{%- macro message_key(relation) -%}
md5(
        {{ relation }}.campaign || '|' || {{ relation }}.slot || '|'
        || coalesce({{ relation }}.destination || '/' || {{ relation }}.audience_name, cast({{ relation }}.step as string))
        || '|' || {{ relation }}.customer_id
    )
{%- endmacro %}
