with recent_purchasers as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_recent_purchasers') }}

),

high_return_risk as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_high_return_risk') }}

),

policy as (

    select
        'ads' as channel,
        'audience_matching' as purpose,
        cast(null as string) as cap_class,
        'drop' as on_cap,
        cast(null as string) as template,
        1 as step,
        cast(0 as decimal(5, 4)) as holdout_share,
        'always' as re_entry,
        0 as re_entry_after_days,
        'none' as quiet_hours_class,
        false as excludes_recent_purchasers,
        50000 as approval_above,
        100000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_date(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 24) }} as expires_at

),

destinations as (

    select 'meta' as destination
    union all
    select 'google' as destination

),

audience as (

    select
        customer_id,
        qualified_by,
        'purchased_last_7_days' as audience_name
    from recent_purchasers

    union all

    select
        customer_id,
        qualified_by,
        'high_return_risk' as audience_name
    from high_return_risk

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        audience.audience_name,
        destinations.destination,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience
    cross join destinations

)

select
    'nightly_ads_suppression' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['destination', 'audience_name']) }}
from candidates
cross join policy
