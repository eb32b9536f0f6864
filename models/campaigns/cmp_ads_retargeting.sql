with browsers as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_browsers_without_purchase') }}

),

cart_abandoners as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_cart_abandoners') }}

),

policy as (

    select
        'ads' as channel,
        'browsers_and_carts' as audience_name,
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

-- Who did both is there once, for the cart, which says more.
audience as (

    select
        coalesce(cart_abandoners.customer_id, browsers.customer_id) as customer_id,
        coalesce(cart_abandoners.qualified_by, browsers.qualified_by) as qualified_by
    from browsers
    full outer join cart_abandoners
        on browsers.customer_id = cart_abandoners.customer_id

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        destinations.destination,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience
    cross join destinations

)

select
    'ads_retargeting' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['destination']) }}
from candidates
cross join policy
