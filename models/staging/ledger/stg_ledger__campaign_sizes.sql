-- How many people each campaign was about, at the latest earlier run of it.
with campaign_sizes as (

    select
        run_id,
        campaign,
        slot,
        people_eligible,
        max_drop_share,
        as_of,
        known_at
    from {{ source('ledger', 'campaign_sizes') }}
    where {{ known_by_this_run() }}

),

runs_ranked as (

    select
        *,
        row_number() over (
            partition by campaign
            order by as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as run_rank
    from campaign_sizes

)

select
    campaign,
    slot,
    run_id,
    people_eligible,
    cast(max_drop_share as decimal(5, 4)) as max_drop_share
from runs_ranked
where run_rank = 1
