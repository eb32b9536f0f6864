with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_recent_buyers_for_feedback') }}

),

customers as (

    select
        customer_id,
        first_name
    from {{ ref('dim_customers') }}

),

open_cases as (

    select customer_id
    from {{ ref('aud_open_cases') }}

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'service' as purpose,
        'service' as cap_class,
        'defer' as on_cap,
        'feedback_request' as template,
        1 as step,
        cast(0 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        60 as re_entry_after_days,
        'service' as quiet_hours_class,
        false as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ iso_week(as_of()) }} as slot,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 72) }} as expires_at

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        cast(null as string) as offer,
        'a' as variant,
        {{ failing_reasons({'open_case': 'open_cases.customer_id is not null'}) }} as exclusion_reasons,
        {{ json_object({'first_name': "coalesce(customers.first_name, 'there')"}) }} as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id
    left join open_cases
        on audience.customer_id = open_cases.customer_id

)

select
    'feedback_request' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
