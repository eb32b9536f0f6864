-- Which golden customer each profile belonged to at the latest freeze known.
with profile_customers as (

    select
        profile_id,
        customer_id,
        run_id,
        as_of,
        known_at
    from {{ source('ledger', 'profile_customers') }}
    where {{ known_by_this_run() }}

),

freezes_ranked as (

    select
        *,
        row_number() over (
            partition by profile_id
            order by as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as freeze_rank
    from profile_customers

)

select
    profile_id,
    customer_id
from freezes_ranked
where freeze_rank = 1
