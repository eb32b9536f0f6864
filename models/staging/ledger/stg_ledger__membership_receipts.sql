-- The latest state known of each change of a set.
with receipts as (

    select
        change_id,
        run_id,
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        external_id,
        state,
        reason,
        provider_id,
        attempted_at,
        known_at
    from {{ source('ledger', 'membership_receipts') }}
    where {{ known_by_this_run() }}

),

states_ranked as (

    select
        *,
        row_number() over (
            partition by change_id, run_id
            order by
                known_at desc nulls last,
                case when state = 'in_doubt' then 1 else 0 end asc nulls last,
                attempted_at desc nulls last,
                state asc nulls last
        ) as state_rank
    from receipts

)

select
    change_id,
    run_id,
    campaign,
    destination,
    audience,
    customer_id,
    operation,
    email,
    phone,
    external_id,
    state,
    reason,
    provider_id,
    attempted_at,
    known_at
from states_ranked
where state_rank = 1
