-- The history of each definition: one row per time in which the SQL of an audience or campaign stayed the same, with
-- the size before and after it came. Between the two runs people come and go anyway, so the usual difference between
-- two runs stands beside it.
with definitions as (

    select
        run_id,
        model,
        kind,
        checksum,
        git_commit,
        people,
        as_of,
        frozen_at
    from {{ ref('stg_muster__definitions') }}

),

runs_compared as (

    select
        *,
        lag(checksum) over (partition by model order by as_of asc, frozen_at asc, run_id asc) as checksum_before,
        lag(people) over (partition by model order by as_of asc, frozen_at asc, run_id asc) as people_before
    from definitions

),

usual_changes as (

    select
        model,
        median(abs(people - people_before)) as usual_change
    from runs_compared
    where checksum = checksum_before
    group by model

),

versions_numbered as (

    select
        *,
        sum(case when checksum = checksum_before then 0 else 1 end)
            over (partition by model order by as_of asc, frozen_at asc, run_id asc) as version_number
    from runs_compared

),

versions_counted as (

    select
        model,
        version_number,
        count(*) as runs,
        max(as_of) as last_as_of
    from versions_numbered
    group by model, version_number

)

select
    versions_numbered.model,
    versions_numbered.kind,
    versions_numbered.checksum,
    versions_numbered.git_commit,
    versions_numbered.run_id as first_run_id,
    cast(versions_numbered.version_number as int) as version_number,
    cast(versions_counted.runs as bigint) as runs,
    cast(versions_numbered.people_before as bigint) as people_before,
    cast(versions_numbered.people as bigint) as people_after,
    cast(versions_numbered.people - versions_numbered.people_before as bigint) as people_change,
    cast(usual_changes.usual_change as decimal(18, 1)) as usual_change,
    versions_numbered.as_of as first_as_of,
    versions_counted.last_as_of
from versions_numbered
inner join versions_counted
    on
        versions_numbered.model = versions_counted.model
        and versions_numbered.version_number = versions_counted.version_number
left join usual_changes
    on versions_numbered.model = usual_changes.model
where coalesce(versions_numbered.checksum <> versions_numbered.checksum_before, true)
