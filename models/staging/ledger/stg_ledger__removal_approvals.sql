-- How many people may leave each set, by the latest approval of what a run held.
with approvals as (

    select
        run_id,
        campaign,
        destination,
        audience,
        up_to,
        known_at
    from {{ source('ledger', 'removal_approvals') }}
    where {{ known_by_this_run() }}

),

approvals_ranked as (

    select
        *,
        row_number() over (
            partition by run_id, campaign, destination, audience
            order by known_at desc nulls last, up_to asc nulls last
        ) as approval_rank
    from approvals

)

select
    run_id,
    campaign,
    destination,
    audience,
    up_to,
    known_at
from approvals_ranked
where approval_rank = 1
