{#- The live campaigns, first to last: where two want the same person on the same day, the first wins. -#}
{%- macro campaign_priority() -%}
{{ return([
    'cart_abandonment',
    'signup_welcome',
    'loyalty_milestone',
    'vip_offer',
    'weekly_reactivation',
    'replenishment_push',
    'cross_sell',
    'win_back_postcard',
    'feedback_request',
    'tuesday_newsletter',
    'daily_digest',
    'account_review_task',
    'support_context',
    'nightly_ads_suppression',
    'ads_retargeting',
    'onsite_personalisation',
    'esp_lists',
    'crm_update',
    'social_calendar',
]) }}
{%- endmacro %}
