-- How long each campaign took from its first line to its first person, beside what launches took before there was
-- automation.
with launches as (

    select
        campaign,
        owner,
        defined_at
    from {{ ref('stg_muster__launches') }}

),

launch_baseline as (

    select days_to_launch
    from {{ ref('launch_baseline') }}

),

attempts as (

    select
        campaign,
        min(attempted_at) as first_attempted_at
    from {{ ref('int_attempts_collected') }}
    group by campaign

),

baseline as (

    select cast(median(days_to_launch) as double) as baseline_days
    from launch_baseline

),

launches_timed as (

    select
        launches.campaign,
        launches.owner,
        launches.defined_at,
        attempts.first_attempted_at,
        cast({{ dbt.datediff('launches.defined_at', 'attempts.first_attempted_at', 'hour') }} as double) / 24
            as days_to_launch
    from launches
    -- A rehearsal of the past is earlier than any definition, and tells nothing.
    left join attempts
        on
            launches.campaign = attempts.campaign
            and launches.defined_at <= attempts.first_attempted_at

)

select
    launches_timed.campaign,
    launches_timed.owner,
    cast(launches_timed.days_to_launch as decimal(9, 2)) as days_to_launch,
    cast(baseline.baseline_days as decimal(9, 2)) as baseline_days,
    cast(baseline.baseline_days - launches_timed.days_to_launch as decimal(9, 2)) as days_saved,
    launches_timed.first_attempted_at is not null as is_launched,
    launches_timed.defined_at,
    launches_timed.first_attempted_at as first_sent_at
from launches_timed
cross join baseline
