-- Of the decisions of all frozen runs: who was to be treated and who was held out.
with decisions as (

    select
        run_id,
        message_id,
        campaign,
        slot,
        step,
        customer_id,
        verdict,
        reason,
        channel,
        destination,
        purpose,
        market,
        variant,
        offer,
        template,
        message_version,
        send_not_before,
        as_of,
        known_at
    from {{ source('ledger', 'decisions') }}
    where
        {{ known_by_this_run() }}
        and verdict in ('send', 'holdout')

)

select
    message_id,
    run_id,
    campaign,
    slot,
    customer_id,
    verdict,
    reason,
    channel,
    destination,
    purpose,
    market,
    variant,
    offer,
    template,
    message_version,
    step,
    send_not_before,
    as_of,
    known_at
from decisions
