with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_onsite_visitors') }}

),

category_affinity as (

    select
        customer_id,
        product_category,
        affinity_rank
    from {{ ref('fct_category_affinity') }}
    where {{ is_category_of_interest('product_category') }}

),

policy as (

    select
        'onsite' as channel,
        'onsite_webhook' as destination,
        'personalisation' as purpose,
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

top_categories as (

    select
        customer_id,
        max_by(product_category, -1 * affinity_rank) as top_category
    from category_affinity
    group by customer_id

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        'affinity_' || {{ replace_all('lower(top_categories.top_category)', '[^a-z0-9]+', '_') }} as audience_name,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience
    inner join top_categories
        on audience.customer_id = top_categories.customer_id

)

select
    'onsite_personalisation' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['audience_name']) }}
from candidates
cross join policy
