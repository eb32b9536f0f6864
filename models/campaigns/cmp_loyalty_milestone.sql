with audience as (

    select
        customer_id,
        qualified_by
    from {{ ref('aud_loyalty_milestones') }}

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
        'defer' as on_cap,
        'loyalty_milestone' as template,
        1 as step,
        cast(0.05 as decimal(5, 4)) as holdout_share,
        'always' as re_entry,
        0 as re_entry_after_days,
        'marketing' as quiet_hours_class,
        false as excludes_recent_purchasers,
        2000 as approval_above,
        10000 as max_people,
        cast(null as decimal(5, 4)) as max_drop_share,
        cast(null as decimal(5, 4)) as max_growth_share,
        {{ as_of() }} as scheduled_at,
        {{ hours_after(as_of(), 168) }} as expires_at

),

-- The number stands in the audience's reason (without it there is no slot, and the campaign is held). A milestone is a
-- slot of its own: each is celebrated once, and the next one again.
milestones as (

    select
        customer_id,
        qualified_by,
        nullif(split_part(qualified_by, 'order number ', 2), '') as order_number,
        {{ variant_of('loyalty_milestone', {'a': 50, 'b': 50}, 'customer_id') }} as variant
    from audience

),

candidates as (

    select
        milestones.customer_id,
        milestones.qualified_by,
        'orders-' || milestones.order_number as slot,
        cast(null as string) as offer,
        milestones.variant,
        cast(null as string) as exclusion_reasons,
        {{ json_object({
            'first_name': "coalesce(customers.first_name, 'there')",
            'headline': "case milestones.variant when 'a' then 'Your order number ' || milestones.order_number"
                ~ " || ': thank you' else milestones.order_number || ' times you came back: thank you' end",
            'order_number': 'milestones.order_number',
        }) }} as fields
    from milestones
    inner join customers
        on milestones.customer_id = customers.customer_id

)

select
    'loyalty_milestone' as campaign,
    candidates.slot,
    candidates.customer_id,
    {{ campaign_columns() }}
from candidates
cross join policy
