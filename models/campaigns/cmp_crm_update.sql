with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_crm_contacts') }}

),

customers as (

    select
        customer_id,
        lifecycle_stage,
        value_tier
    from {{ ref('dim_customers') }}

),

consents as (

    select
        customer_id,
        state
    from {{ ref('dim_consents') }}
    where channel = 'email' and purpose = 'marketing'

),

policy as (

    select
        'crm' as channel,
        'hubspot_contacts' as destination,
        'record_keeping' as purpose,
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

-- A value is a set: whose value changes leaves the old one and enters the new one, so that the CRM has one of each.
attributes as (

    select
        customer_id,
        'lifecycle_stage:' || coalesce(lifecycle_stage, 'none') as audience_name
    from customers

    union all

    select
        customer_id,
        'value_tier:' || coalesce(value_tier, 'none') as audience_name
    from customers

    union all

    select
        customers.customer_id,
        'email_marketing:' || coalesce(consents.state, 'none') as audience_name
    from customers
    left join consents
        on customers.customer_id = consents.customer_id

),

candidates as (

    select
        audience.customer_id,
        audience.qualified_by,
        attributes.audience_name,
        cast(null as string) as variant,
        cast(null as string) as offer,
        cast(null as string) as fields,
        cast(null as string) as exclusion_reasons
    from audience
    inner join attributes
        on audience.customer_id = attributes.customer_id

)

select
    'crm_update' as campaign,
    policy.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['audience_name']) }}
from candidates
cross join policy
