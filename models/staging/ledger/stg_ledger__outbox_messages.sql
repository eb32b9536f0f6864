-- To which address each message of a frozen run was to go.
with outbox_messages as (

    select
        message_id,
        run_id,
        campaign,
        customer_id,
        channel,
        address,
        known_at
    from {{ source('ledger', 'outbox_messages') }}
    where {{ known_by_this_run() }}

)

select
    message_id,
    run_id,
    campaign,
    customer_id,
    channel,
    address,
    known_at
from outbox_messages
