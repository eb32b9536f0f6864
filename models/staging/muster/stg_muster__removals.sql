-- Rows that a purge or an erasure took out of the landing zone. They are missing at every as_of.
with removals as (

    select
        source_table,
        reason,
        rows_removed,
        removed_at
    from {{ source('muster', 'removals') }}

)

select
    source_table,
    reason as removal_reason,
    rows_removed,
    removed_at
from removals
