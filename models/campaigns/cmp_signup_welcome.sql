with volume_cuts as (

    select
        customer_id,
        cut_number,
        place,
        known_at
    from {{ ref('fct_volume_cuts') }}
    where campaign = 'signup_welcome'

),

customers as (

    select
        customer_id,
        first_name
    from {{ ref('dim_customers') }}

),

policy as (

    select
        'email' as channel,
        'sendgrid' as destination,
        cast(null as string) as audience_name,
        'marketing' as purpose,
        'lifecycle' as cap_class,
        'drop' as on_cap,
        'signup_welcome' as template,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'never' as re_entry,
        0 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        20000 as approval_above,
        50000 as max_people,
        cast(null as decimal(5, 4)) as max_drop_share,
        cast(null as decimal(5, 4)) as max_growth_share,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 168) }} as expires_at

),

candidates as (

    select
        volume_cuts.customer_id,
        'cut-' || lpad(cast(volume_cuts.cut_number as string), 5, '0') as slot,
        'sign-up cut ' || cast(volume_cuts.cut_number as string)
        || ', place ' || cast(volume_cuts.place as string)
        || ', known since ' || {{ iso_date('volume_cuts.known_at') }} as qualified_by,
        cast(null as string) as offer,
        'a' as variant,
        cast(null as string) as exclusion_reasons,
        {{ json_object({'first_name': "coalesce(customers.first_name, 'there')"}) }} as fields
    from volume_cuts
    inner join customers
        on volume_cuts.customer_id = customers.customer_id

)

select
    'signup_welcome' as campaign,
    candidates.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
