{%- set kept_runs = 5 %}

-- Who belonged to which audience at each of the last frozen runs known; run 1 is the latest.
with members as (

    select
        audience,
        customer_id,
        run_id,
        as_of,
        known_at
    from {{ source('ledger', 'audiences') }}
    where {{ known_by_this_run() }}

),

runs as (

    select distinct
        run_id,
        as_of,
        known_at
    from members

),

runs_ranked as (

    select
        run_id,
        row_number() over (
            order by as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as run_rank
    from runs

)

select
    members.audience,
    members.customer_id,
    members.run_id,
    cast(runs_ranked.run_rank as int) as run_rank,
    members.as_of
from members
inner join runs_ranked
    on members.run_id = runs_ranked.run_id
where runs_ranked.run_rank <= {{ kept_runs }}
