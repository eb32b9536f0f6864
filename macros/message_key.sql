{#- The identity of one message: campaign, slot, step and customer. The same for ever. -#}
{%- macro message_key(campaign, slot, step, customer) -%}
md5({{ campaign }} || '|' || {{ slot }} || '|' || cast({{ step }} as string) || '|' || {{ customer }})
{%- endmacro %}
