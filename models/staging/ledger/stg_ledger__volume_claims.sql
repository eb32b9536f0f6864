-- Which sign-up went into which cut of a volume batch. What a held or declined campaign gave back is claimed by nobody.
with volume_claims as (

    select
        run_id,
        campaign,
        cut_number,
        signup_id,
        known_at
    from {{ source('ledger', 'volume_claims') }}
    where {{ known_by_this_run() }}

),

releases as (

    select
        run_id,
        campaign
    from {{ ref('stg_ledger__releases') }}

)

select
    volume_claims.campaign,
    volume_claims.signup_id,
    volume_claims.cut_number,
    releases.run_id is not null as is_released,
    volume_claims.known_at
from volume_claims
left join releases
    on
        volume_claims.run_id = releases.run_id
        and volume_claims.campaign = releases.campaign
