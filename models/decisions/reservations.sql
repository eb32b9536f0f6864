-- The place that each message holds against other runs (caps, re-entry) until its receipt is there.
with outbox_messages as (

    select
        message_id,
        campaign,
        slot,
        customer_id,
        channel,
        purpose,
        cap_class,
        step,
        send_not_before,
        expires_at
    from {{ ref('outbox_messages') }}

)

select
    message_id,
    campaign,
    slot,
    customer_id,
    channel,
    purpose,
    cap_class,
    step,
    send_not_before as planned_at,
    expires_at
from outbox_messages
