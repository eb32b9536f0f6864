with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_cart_abandoners') }}

),

customers as (

    select
        customer_id,
        first_name,
        predicted_value_365_days
    from {{ ref('dim_customers') }}

),

recent_support_issues as (

    select customer_id
    from {{ ref('aud_recent_support_issues') }}

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

offers as (

    select
        campaign_offers.offer,
        offers.offer_text,
        campaign_offers.predicted_value_from,
        campaign_offers.predicted_value_below
    from {{ ref('campaign_offers') }} as campaign_offers
    inner join {{ ref('offers') }} as offers
        on campaign_offers.offer = offers.offer
    where campaign_offers.campaign = 'cart_abandonment'

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'lifecycle' as cap_class,
        'drop' as on_cap,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        3 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        true as excludes_recent_purchasers,
        2000 as approval_above,
        10000 as max_people,
        cast(null as decimal(5, 4)) as max_drop_share,
        cast(null as decimal(5, 4)) as max_growth_share,
        {{ iso_date(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 24) }} as expires_at

),

-- Who is worth much comes back without being paid for it: no offer is no reason against anybody here.
candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        case when offers.offer is null then 'cart_abandonment' else 'cart_abandonment_offer' end as template,
        offers.offer,
        'a' as variant,
        {{ failing_reasons({
            'recent_purchase': 'recent_purchasers.customer_id is not null',
            'recent_support_issue': 'recent_support_issues.customer_id is not null',
        }) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'offer_text': 'offers.offer_text',
        }) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join recent_purchasers
        on audience.customer_id = recent_purchasers.customer_id
    left join recent_support_issues
        on audience.customer_id = recent_support_issues.customer_id
    left join offers
        on
            coalesce(customers.predicted_value_365_days, 0) >= offers.predicted_value_from
            and coalesce(customers.predicted_value_365_days < offers.predicted_value_below, true)

)

select
    'cart_abandonment' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['template']) }}
from candidates
cross join policy
