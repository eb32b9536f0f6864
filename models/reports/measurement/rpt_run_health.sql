{%- set looks_back_days = 366 %}

-- How the runs of each campaign went, month by month: those that were due and never came, that failed before they were
-- frozen, that were held, that still wait, and that left something in doubt.
with runs as (

    select
        campaign,
        cast({{ dbt.date_trunc('month', 'as_of') }} as date) as month_date,
        cast(as_of as date) as run_date,
        frozen_at is not null as is_frozen,
        coalesce(verdict = 'hold', false) as is_held,
        coalesce(verdict = 'approve', false) as is_waiting_for_approval,
        coalesce(verdict = 'go', false) and people_waiting > 0 as is_open,
        people_in_doubt > 0 as has_doubt,
        coalesce(verdict = 'go', false) and people_waiting = 0 and people_in_doubt = 0 as is_successful,
        people_accepted,
        people_refused,
        people_in_doubt,
        people_planned,
        {{ dbt.datediff('requested_at', 'answered_at', 'second') }} / 60.0 as minutes_to_deliver
    from {{ ref('stg_muster__runs') }}
    where as_of <= {{ as_of() }}

),

schedules as (

    select
        campaign,
        weekday
    from {{ ref('stg_muster__schedules') }}

),

run_days as (

    select distinct
        campaign,
        run_date
    from runs

),

first_runs as (

    select
        campaign,
        min(run_date) as first_run_date
    from run_days
    group by campaign

),

days as (

    select cast({{ days_before(as_of(), 'numbers.day_number') }} as date) as due_date
    from range(0, {{ looks_back_days }}) as numbers (day_number)

),

days_due as (

    select
        schedules.campaign,
        days.due_date
    from days
    inner join schedules
        on {{ days_between(week_start('days.due_date'), 'days.due_date') }} + 1 = schedules.weekday
    inner join first_runs
        on
            schedules.campaign = first_runs.campaign
            and days.due_date >= first_runs.first_run_date

),

days_counted as (

    select
        days_due.campaign,
        cast({{ dbt.date_trunc('month', 'days_due.due_date') }} as date) as month_date,
        count(*) as days_due,
        sum(case when run_days.campaign is null then 1 else 0 end) as days_missing
    from days_due
    left join run_days
        on
            days_due.campaign = run_days.campaign
            and days_due.due_date = run_days.run_date
    group by days_due.campaign, cast({{ dbt.date_trunc('month', 'days_due.due_date') }} as date)

),

runs_counted as (

    select
        campaign,
        month_date,
        count(*) as runs,
        sum(case when is_successful then 1 else 0 end) as runs_successful,
        sum(case when is_frozen then 0 else 1 end) as runs_failed,
        sum(case when is_held then 1 else 0 end) as runs_held,
        sum(case when is_waiting_for_approval then 1 else 0 end) as runs_waiting_for_approval,
        sum(case when is_open then 1 else 0 end) as runs_open,
        sum(case when has_doubt then 1 else 0 end) as runs_in_doubt,
        sum(people_planned) as people_planned,
        sum(people_accepted) as people_accepted,
        sum(people_refused) as people_refused,
        sum(people_in_doubt) as people_in_doubt,
        median(minutes_to_deliver) as median_minutes_to_deliver
    from runs
    group by campaign, month_date

),

months as (

    select
        campaign,
        month_date
    from runs_counted

    union distinct

    select
        campaign,
        month_date
    from days_counted

)

select
    months.campaign,
    cast(coalesce(days_counted.days_due, 0) as bigint) as days_due,
    cast(coalesce(days_counted.days_missing, 0) as bigint) as days_missing,
    cast(coalesce(runs_counted.runs, 0) as bigint) as runs,
    cast(coalesce(runs_counted.runs_successful, 0) as bigint) as runs_successful,
    cast(coalesce(runs_counted.runs_failed, 0) as bigint) as runs_failed,
    cast(coalesce(runs_counted.runs_held, 0) as bigint) as runs_held,
    cast(coalesce(runs_counted.runs_waiting_for_approval, 0) as bigint) as runs_waiting_for_approval,
    cast(coalesce(runs_counted.runs_open, 0) as bigint) as runs_open,
    cast(coalesce(runs_counted.runs_in_doubt, 0) as bigint) as runs_in_doubt,
    cast(coalesce(runs_counted.people_planned, 0) as bigint) as people_planned,
    cast(coalesce(runs_counted.people_accepted, 0) as bigint) as people_accepted,
    cast(coalesce(runs_counted.people_refused, 0) as bigint) as people_refused,
    cast(coalesce(runs_counted.people_in_doubt, 0) as bigint) as people_in_doubt,
    cast(
        coalesce(runs_counted.runs_successful, 0)
        / cast(nullif(coalesce(runs_counted.runs, 0) + coalesce(days_counted.days_missing, 0), 0) as double)
        as decimal(9, 6)
    ) as success_share,
    cast(runs_counted.median_minutes_to_deliver as decimal(18, 2)) as median_minutes_to_deliver,
    months.month_date
from months
left join runs_counted
    on
        months.campaign = runs_counted.campaign
        and months.month_date = runs_counted.month_date
left join days_counted
    on
        months.campaign = days_counted.campaign
        and months.month_date = days_counted.month_date
