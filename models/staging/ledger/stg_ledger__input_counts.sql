-- How many rows the latest earlier run had to read, by source table.
with input_counts as (

    select
        source_table,
        row_count,
        run_id,
        as_of,
        known_at
    from {{ source('ledger', 'input_counts') }}
    where {{ known_by_this_run() }}

),

runs_ranked as (

    select
        *,
        row_number() over (
            partition by source_table
            order by as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as run_rank
    from input_counts

)

select
    source_table,
    run_id,
    row_count
from runs_ranked
where run_rank = 1
