with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_recent_purchasers') }}

),

policy as (

    select
        'ads' as channel,
        'meta' as destination,
        'purchased_last_7_days' as audience_name,
        'audience_matching' as purpose,
        cast(null as string) as cap_class,
        'drop' as on_cap,
        cast(null as string) as template,
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

candidates as (

    select
        customer_id,
        qualified_by,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience

)

select
    'nightly_ads_suppression' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
