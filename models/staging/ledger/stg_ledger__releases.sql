with releases as (

    select
        run_id,
        campaign,
        reason,
        known_at
    from {{ source('ledger', 'releases') }}
    where {{ known_by_this_run() }}

)

select distinct
    run_id,
    campaign
from releases
