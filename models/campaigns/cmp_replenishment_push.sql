with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_replenishment_due') }}

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

policy as (

    select
        'push' as channel,
        'expo' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'lifecycle' as cap_class,
        'defer' as on_cap,
        'replenishment_push' as template,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        14 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        true as excludes_recent_purchasers,
        10000 as approval_above,
        50000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 48) }} as expires_at

),

-- What is due stands in the audience's reason.
categories as (

    select
        customer_id,
        qualified_by,
        lower(nullif(split_part(qualified_by, 'due again: ', 2), '')) as category
    from audience

),

candidates as (

    select
        categories.customer_id,
        categories.qualified_by,
        cast(null as string) as offer,
        'a' as variant,
        {{ failing_reasons({
            'recent_purchase': 'recent_purchasers.customer_id is not null',
            'no_category_to_name': 'categories.category is null',
        }) }} as exclusion_reasons,
        {{ json_object({'category': 'categories.category'}) }} as fields
    from categories
    left join recent_purchasers
        on categories.customer_id = recent_purchasers.customer_id

)

select
    'replenishment_push' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
