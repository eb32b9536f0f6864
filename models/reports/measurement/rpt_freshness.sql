-- How old each source is: its newest row or file known at as_of, beside the age at which it holds the campaigns.
with input_counts as (

    select
        source_table,
        row_count,
        last_loaded_at
    from {{ ref('input_counts') }}

),

loads as (

    select
        source_table,
        count(*) as files,
        sum(rows_landed) as rows_landed,
        sum(rows_quarantined) as rows_quarantined,
        max(case when rows_landed > 0 or reason is null then loaded_at end) as last_loaded_at
    from {{ ref('stg_muster__loads') }}
    group by source_table

),

limits as (

    select
        source_table,
        max_age_hours,
        is_required
    from {{ ref('input_limits') }}

),

sources as (

    select source_table
    from input_counts
    union
    select source_table
    from loads
    union
    select source_table
    from limits

),

sources_dated as (

    select
        sources.source_table,
        input_counts.row_count,
        coalesce(loads.files, 0) as files,
        coalesce(loads.rows_landed, 0) as rows_landed,
        coalesce(loads.rows_quarantined, 0) as rows_quarantined,
        limits.max_age_hours,
        coalesce(limits.is_required, false) as is_required,
        coalesce(greatest(input_counts.last_loaded_at, loads.last_loaded_at), loads.last_loaded_at) as last_loaded_at
    from sources
    left join input_counts
        on sources.source_table = input_counts.source_table
    left join loads
        on sources.source_table = loads.source_table
    left join limits
        on sources.source_table = limits.source_table

)

select
    source_table,
    cast(row_count as bigint) as row_count,
    cast(files as bigint) as files,
    cast(rows_landed as bigint) as rows_landed,
    cast(rows_quarantined as bigint) as rows_quarantined,
    cast({{ dbt.datediff('last_loaded_at', as_of(), 'hour') }} as int) as age_hours,
    max_age_hours,
    is_required,
    last_loaded_at is null as is_missing,
    coalesce({{ dbt.datediff('last_loaded_at', as_of(), 'hour') }} > max_age_hours, false)
    or (is_required and last_loaded_at is null) as is_late,
    last_loaded_at
from sources_dated
