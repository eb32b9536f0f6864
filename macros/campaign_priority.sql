{#- The live campaigns, first to last: where two want the same person on the same day, the first wins. -#}
{%- macro campaign_priority() -%}
{{ return([
    'vip_offer',
    'weekly_reactivation',
    'nightly_ads_suppression',
]) }}
{%- endmacro %}
