with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_high_value_without_email_consent') }}

),

customers as (

    select
        customer_id,
        first_name
    from {{ ref('dim_customers') }}

),

offers as (

    select
        campaign_offers.offer,
        offers.offer_text
    from {{ ref('campaign_offers') }} as campaign_offers
    inner join {{ ref('offers') }} as offers
        on campaign_offers.offer = offers.offer
    where campaign_offers.campaign = 'win_back_postcard'

),

policy as (

    select
        'mail' as channel,
        'mail_file' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'promo' as cap_class,
        'defer' as on_cap,
        'win_back_postcard' as template,
        1 as step,
        cast(0.10 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        90 as re_entry_after_days,
        'none' as quiet_hours_class,
        true as excludes_recent_purchasers,
        500 as approval_above,
        5000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 168) }} as expires_at

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        offers.offer,
        'a' as variant,
        {{ failing_reasons({'no_offer_for_campaign': 'offers.offer is null'}) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'neighbour')",
            'offer_text': 'offers.offer_text',
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join offers
        on true

)

select
    'win_back_postcard' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
