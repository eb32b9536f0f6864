-- Who is in which sequence and what comes next, told by contacts alone: a person is enrolled by the first step, takes
-- each step once, and waits for the next from the day of the one before, so that a missed run makes it late and never
-- doubles it. A sequence ends with its last step, or when a step is too late to make sense.
with sequence_steps as (

    select
        campaign,
        step,
        after_days,
        gives_up_after_days,
        template
    from {{ ref('sequence_steps') }}

),

contacts as (

    select
        campaign,
        slot,
        customer_id,
        step,
        contacted_at
    from {{ ref('fct_contacts') }}
    where slot is not null and step is not null

),

orders as (

    select
        customer_id,
        max(ordered_at) as last_ordered_at
    from {{ ref('fct_orders') }}
    group by customer_id

),

sequences as (

    select
        contacts.campaign,
        contacts.slot,
        contacts.customer_id,
        max(contacts.step) as last_step,
        min(contacts.contacted_at) as enrolled_at,
        max(contacts.contacted_at) as last_contacted_at
    from contacts
    inner join sequence_steps
        on
            contacts.campaign = sequence_steps.campaign
            and contacts.step = sequence_steps.step
    group by contacts.campaign, contacts.slot, contacts.customer_id

)

select
    sequences.campaign,
    sequences.slot,
    sequences.customer_id,
    sequences.last_step,
    sequence_steps.step as next_step,
    sequence_steps.template as next_template,
    {{ days_between('sequences.last_contacted_at', as_of()) }} >= sequence_steps.after_days as is_due,
    coalesce(orders.last_ordered_at > sequences.enrolled_at, false) as has_purchased,
    sequences.enrolled_at,
    sequences.last_contacted_at,
    {{ days_after('sequences.last_contacted_at', 'sequence_steps.after_days') }} as due_at
from sequences
inner join sequence_steps
    on
        sequences.campaign = sequence_steps.campaign
        and sequences.last_step + 1 = sequence_steps.step
left join orders
    on sequences.customer_id = orders.customer_id
where
    {{ days_between('sequences.last_contacted_at', as_of()) }}
    <= sequence_steps.after_days + sequence_steps.gives_up_after_days
