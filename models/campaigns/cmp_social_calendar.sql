{%- set planned_within_hours = 24 %}
{%- set late_by_hours = 6 %}

with social_posts as (

    select
        post_id,
        network,
        text,
        link,
        valid_until,
        publish_at
    from {{ ref('social_posts') }}

),

policy as (

    select
        'social' as channel,
        'social_webhook' as destination,
        cast(null as string) as audience_name,
        'publishing' as purpose,
        cast(null as string) as cap_class,
        'drop' as on_cap,
        'social_post' as template,
        1 as step,
        cast(0 as decimal(5, 4)) as holdout_share,
        'never' as re_entry,
        0 as re_entry_after_days,
        'none' as quiet_hours_class,
        false as excludes_recent_purchasers,
        20 as approval_above,
        50 as max_people,
        cast(1.00 as decimal(5, 4)) as max_drop_share,
        cast(9.99 as decimal(5, 4)) as max_growth_share

),

candidates as (

    select
        post_id as customer_id,
        'planned for ' || cast(publish_at as string) || ' on ' || network as qualified_by,
        {{ iso_date('publish_at') }} as slot,
        cast(null as string) as variant,
        cast(null as string) as offer,
        {{ failing_reasons({'post_expired': 'valid_until < cast(publish_at as date)'}) }} as exclusion_reasons,
        {{ json_object({'text': 'text', 'link': 'link'}) }} as fields,
        publish_at as scheduled_at,
        {{ hours_after('publish_at', late_by_hours) }} as expires_at
    from social_posts
    where
        publish_at > {{ hours_after(as_of(), -late_by_hours) }}
        and publish_at <= {{ hours_after(as_of(), planned_within_hours) }}

)

select
    'social_calendar' as campaign,
    candidates.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['scheduled_at', 'expires_at']) }}
from candidates
cross join policy
