-- Which sign-up went into which cut of a volume batch.
with volume_claims as (

    select
        run_id,
        campaign,
        cut_number,
        signup_id,
        known_at
    from {{ source('ledger', 'volume_claims') }}
    where {{ known_by_this_run() }}

)

select
    run_id,
    campaign,
    cut_number,
    signup_id,
    known_at
from volume_claims
