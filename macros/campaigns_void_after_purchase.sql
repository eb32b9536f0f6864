{#- The campaigns that are not meant for whoever has just bought, as a list for `in`: their SQL excludes recent
    purchasers, or their audience is of people who have not bought since. Read from the project itself. -#}
{%- macro campaigns_void_after_purchase() -%}
{%- set audiences_without_purchase = ['browsers_without_purchase', 'cart_abandoners'] -%}
{%- set found = ["''"] -%}
{%- for campaign in (graph.nodes.values() if execute else [])
    | selectattr('resource_type', 'equalto', 'model')
    | selectattr('config.schema', 'equalto', 'campaigns') | sort(attribute='name')
    if 'true as excludes_recent_purchasers' in campaign.raw_code -%}
    {%- do found.append("'" ~ campaign.name[4:] ~ "'") -%}
{%- endfor -%}
{%- for use in audience_uses()
    if use.campaign is not none and use.audience in audiences_without_purchase
    and "'" ~ use.campaign ~ "'" not in found -%}
    {%- do found.append("'" ~ use.campaign ~ "'") -%}
{%- endfor -%}
({{ found | join(', ') }})
{%- endmacro %}
