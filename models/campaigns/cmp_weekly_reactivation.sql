{%- set recent_ticket_within_days = 14 %}

with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_lapsed_customers') }}

),

customers as (

    select
        customer_id,
        first_name,
        value_tier,
        last_ticket_at
    from {{ ref('dim_customers') }}

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

offers as (

    select
        value_tier,
        offer,
        offer_text
    from {{ ref('offers') }}
    where campaign = 'weekly_reactivation'

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'promo' as cap_class,
        'drop' as on_cap,
        'weekly_reactivation' as template,
        cast(0.10 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        30 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        true as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
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
        case
            when {{ md5_bucket("'weekly_reactivation|variant|' || audience.customer_id") }} < 5000 then 'a' else 'b'
        end as variant,
        {{ failing_reasons({
            'recent_purchase': 'recent_purchasers.customer_id is not null',
            'recent_support_issue':
                'customers.last_ticket_at >= ' ~ days_before(as_of(), recent_ticket_within_days),
            'no_offer_for_tier': 'offers.offer is null',
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
    left join offers
        on customers.value_tier = offers.value_tier

)

select
    'weekly_reactivation' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
