with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_high_value_customers') }}

),

customers as (

    select
        customer_id,
        first_name,
        value_tier
    from {{ ref('dim_customers') }}

),

offers as (

    select
        campaign_offers.value_tier,
        campaign_offers.offer,
        offers.offer_text
    from {{ ref('campaign_offers') }} as campaign_offers
    inner join {{ ref('offers') }} as offers
        on campaign_offers.offer = offers.offer
    where campaign_offers.campaign = 'vip_offer'

),

policy as (

    select
        'sms' as channel,
        'twilio' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'promo' as cap_class,
        'defer' as on_cap,
        'vip_offer' as template,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        28 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        2000 as approval_above,
        10000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(week_start(as_of()), 168) }} as expires_at

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        offers.offer,
        'a' as variant,
        {{ failing_reasons({'no_offer_for_tier': 'offers.offer is null'}) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'offer_text': 'offers.offer_text',
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join offers
        on customers.value_tier = offers.value_tier

)

select
    'vip_offer' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
