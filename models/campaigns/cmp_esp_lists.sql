with newsletter_readers as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_newsletter_readers') }}

),

active_subscribers as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_active_subscribers') }}

),

high_value_customers as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_high_value_customers') }}

),

policy as (

    select
        'lists' as channel,
        'klaviyo' as destination,
        'marketing' as purpose,
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

audience as (

    select
        customer_id,
        qualified_by,
        'newsletter' as audience_name
    from newsletter_readers

    union all

    select
        customer_id,
        qualified_by,
        'subscribers' as audience_name
    from active_subscribers

    union all

    select
        customer_id,
        qualified_by,
        'best_customers' as audience_name
    from high_value_customers

),

candidates as (

    select
        customer_id,
        qualified_by,
        audience_name,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience

)

select
    'esp_lists' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['audience_name']) }}
from candidates
cross join policy
