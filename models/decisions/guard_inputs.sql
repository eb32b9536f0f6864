-- Is what this run decides on there, fresh, whole and clean? A tripped guard holds every campaign.
with input_counts as (

    select
        source_table,
        row_count,
        last_loaded_at
    from {{ ref('input_counts') }}

),

earlier_counts as (

    select
        source_table,
        row_count
    from {{ ref('stg_ledger__input_counts') }}

),

limits as (

    select
        source_table,
        max_age_hours,
        max_quarantined_share,
        is_required
    from {{ ref('input_limits') }}

),

-- A file set aside whole has a reason and no rows: all of it is missing.
loads as (

    select
        source_table,
        file_name,
        first_bad_row,
        loaded_at,
        case
            when rows_read = 0 and reason is not null then cast(1 as double)
            else cast(rows_quarantined as double) / cast(nullif(rows_read, 0) as double)
        end as quarantined_share
    from {{ ref('stg_muster__loads') }}

),

-- Of files landed together the worst speaks for the load.
loads_ranked as (

    select
        source_table,
        file_name,
        first_bad_row,
        quarantined_share,
        row_number() over (
            partition by source_table
            order by loaded_at desc nulls last, quarantined_share desc nulls last, file_name asc nulls last
        ) as load_rank
    from loads

),

inputs_measured as (

    select
        limits.source_table,
        limits.is_required,
        limits.max_age_hours,
        limits.max_quarantined_share,
        coalesce(input_counts.row_count, 0) as row_count,
        coalesce(earlier_counts.row_count, 0) as earlier_row_count,
        cast({{ dbt.datediff('input_counts.last_loaded_at', as_of(), 'hour') }} as int) as age_hours,
        loads_ranked.file_name,
        loads_ranked.first_bad_row,
        loads_ranked.quarantined_share
    from limits
    left join input_counts
        on limits.source_table = input_counts.source_table
    left join earlier_counts
        on limits.source_table = earlier_counts.source_table
    left join loads_ranked
        on limits.source_table = loads_ranked.source_table and loads_ranked.load_rank = 1

)

select
    'input_missing' as guard,
    source_table,
    'no row of ' || source_table || ' was landed before as_of: land it, or nobody can be judged by it'
        as explanation,
    cast(row_count as double) as measured,
    cast(1 as double) as limit_value,
    is_required and row_count = 0 as is_tripped
from inputs_measured

union all

select
    'input_stale' as guard,
    source_table,
    source_table || ' is older than its limit: the newest row is ' || cast(age_hours as string)
    || ' hours old, the limit is ' || cast(max_age_hours as string) as explanation,
    cast(age_hours as double) as measured,
    cast(max_age_hours as double) as limit_value,
    coalesce(age_hours > max_age_hours, false) as is_tripped
from inputs_measured
where max_age_hours is not null

union all

select
    'input_shrunken' as guard,
    source_table,
    source_table || ' has fewer rows than the run before saw: ' || cast(row_count as string) || ' after '
    || cast(earlier_row_count as string) || '; landing files are missing' as explanation,
    cast(row_count as double) as measured,
    cast(earlier_row_count as double) as limit_value,
    row_count < earlier_row_count as is_tripped
from inputs_measured

union all

select
    'input_quarantined' as guard,
    source_table,
    'the last load of ' || source_table || ' set aside too many rows: file ' || file_name
    || coalesce(', first at row ' || cast(first_bad_row as string), ', all of it')
    || '; mend the file and drop it again' as explanation,
    quarantined_share as measured,
    cast(max_quarantined_share as double) as limit_value,
    coalesce(quarantined_share > max_quarantined_share, false) as is_tripped
from inputs_measured
