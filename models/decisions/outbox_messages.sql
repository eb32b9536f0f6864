-- What is to be sent, once. `position` is the place in the frozen file: delivery reads it by ranges.
with decisions as (

    select *
    from {{ ref('decision_log') }}
    where verdict = 'send' and audience_name is null

),

addresses as (

    select
        customer_id,
        channel,
        address
    from {{ ref('decision_addresses') }}

)

select
    cast(row_number() over (
        order by
            decisions.campaign asc nulls last, decisions.step asc nulls last,
            decisions.template asc nulls last, decisions.send_not_before asc nulls last,
            decisions.message_id asc nulls last
    ) - 1 as bigint) as position,
    decisions.message_id,
    decisions.campaign,
    decisions.slot,
    decisions.customer_id,
    decisions.channel,
    decisions.destination,
    addresses.address,
    decisions.purpose,
    decisions.cap_class,
    decisions.template,
    decisions.message_version,
    decisions.variant,
    decisions.offer,
    decisions.fields,
    decisions.step,
    decisions.priority,
    decisions.excludes_recent_purchasers,
    decisions.send_not_before,
    decisions.expires_at
from decisions
inner join addresses
    on
        decisions.customer_id = addresses.customer_id
        and decisions.channel = addresses.channel
