-- How many people each campaign was about, at each earlier run of it; run 1 is the latest.
with campaign_sizes as (

    select
        run_id,
        campaign,
        slot,
        people_eligible,
        people_planned,
        holdout_share,
        max_drop_share,
        as_of,
        known_at
    from {{ source('ledger', 'campaign_sizes') }}
    where {{ known_by_this_run() }}

)

select
    campaign,
    slot,
    run_id,
    people_eligible,
    people_planned,
    cast(
        row_number() over (
            partition by campaign
            order by as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as int
    ) as run_rank,
    cast(holdout_share as decimal(5, 4)) as holdout_share,
    cast(max_drop_share as decimal(5, 4)) as max_drop_share,
    as_of
from campaign_sizes
