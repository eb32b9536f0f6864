-- The most rows that any earlier run had to read, by source table. Of the latest run alone a loss would be told once,
-- and be taken for granted by the next.
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
            order by
                row_count desc nulls last, as_of desc nulls last, known_at desc nulls last, run_id desc nulls last
        ) as run_rank
    from input_counts

)

select
    source_table,
    run_id,
    row_count
from runs_ranked
where run_rank = 1
