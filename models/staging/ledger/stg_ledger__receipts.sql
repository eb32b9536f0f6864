-- The latest state known of each message.
with receipts as (

    select
        message_id,
        run_id,
        campaign,
        slot,
        step,
        channel,
        customer_id,
        state,
        reason,
        attempted_at,
        known_at
    from {{ source('ledger', 'receipts') }}
    where {{ known_by_this_run() }}

),

states_ranked as (

    select
        *,
        row_number() over (
            partition by message_id, run_id
            order by
                known_at desc nulls last,
                case when state = 'in_doubt' then 1 else 0 end asc nulls last,
                attempted_at desc nulls last,
                state asc nulls last
        ) as state_rank
    from receipts

)

select
    message_id,
    run_id,
    campaign,
    slot,
    channel,
    customer_id,
    state,
    reason,
    step,
    attempted_at,
    known_at
from states_ranked
where state_rank = 1
