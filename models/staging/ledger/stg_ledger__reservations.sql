with reservations as (

    select
        run_id,
        message_id,
        campaign,
        slot,
        step,
        customer_id,
        channel,
        purpose,
        cap_class,
        planned_at,
        expires_at,
        known_at
    from {{ source('ledger', 'reservations') }}
    where {{ known_by_this_run() }}

)

select
    message_id,
    run_id,
    campaign,
    slot,
    customer_id,
    channel,
    purpose,
    cap_class,
    step,
    planned_at,
    expires_at,
    known_at
from reservations
