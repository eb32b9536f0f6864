-- Which golden customers each profile belonged to at any freeze known, and which of them at the latest.
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
    customer_id,
    min(freeze_rank) = 1 as is_latest
from freezes_ranked
group by profile_id, customer_id
