with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_category_fans') }}

),

sequence_states as (

    select
        customer_id,
        slot,
        next_step,
        next_template,
        has_purchased,
        'in the sequence since ' || {{ iso_date('enrolled_at') }} as qualified_by
    from {{ ref('fct_sequence_states') }}
    where campaign = 'cross_sell' and is_due

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
        'promo' as cap_class,
        'drop' as on_cap,
        cast(0.10 as decimal(5, 4)) as holdout_share,
        'after_days' as re_entry,
        60 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        5000 as approval_above,
        20000 as max_people,
        cast(0.60 as decimal(5, 4)) as max_drop_share,
        cast(2.00 as decimal(5, 4)) as max_growth_share,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 72) }} as expires_at

),

-- Whoever becomes a fan enters in that week; the steps after the first follow from the day of the one before.
members as (

    select
        customer_id,
        qualified_by,
        {{ iso_week(as_of()) }} as slot,
        1 as step,
        'cross_sell' as template,
        false as has_purchased
    from audience

    union all

    select
        customer_id,
        qualified_by,
        slot,
        next_step as step,
        next_template as template,
        has_purchased
    from sequence_states

),

-- The category stands in the audience's reason; later steps speak of what it is by then.
fans as (

    select
        customer_id,
        lower(nullif(split_part(qualified_by, 'affinity to ', 2), '')) as category
    from audience

),

candidates as (

    select
        members.customer_id,
        members.qualified_by,
        members.slot,
        members.step,
        members.template,
        cast(null as string) as offer,
        'a' as variant,
        {{ failing_reasons({
            'purchased_since_enrolment': 'members.has_purchased',
            'no_category_to_name': 'fans.category is null',
        }) }} as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'category': 'fans.category',
        }) }} as fields
    from members
    inner join customers
        on members.customer_id = customers.customer_id
    left join fans
        on members.customer_id = fans.customer_id

)

select
    'cross_sell' as campaign,
    candidates.slot,
    candidates.customer_id,
    {{ campaign_columns(per_person=['template', 'step']) }}
from candidates
cross join policy
