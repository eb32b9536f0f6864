-- As by months, in ISO weeks: they begin on Monday 00:00 UTC.
{%- set left_censored_weeks = 4 %}

with active_days as (

    select
        customer_id,
        activity_date,
        purchase_count,
        net_revenue
    from {{ ref('fct_active_days') }}

),

-- More than enough: a hundred years.
weeks_numbered as (

    select numbers.week_number
    from range(0, 5220) as numbers (week_number)

),

weeks_active as (

    select
        customer_id,
        cast({{ week_start('activity_date') }} as date) as activity_week,
        sum(purchase_count) as purchase_count,
        sum(net_revenue) as net_revenue
    from active_days
    group by customer_id, cast({{ week_start('activity_date') }} as date)

),

first_purchases as (

    select
        customer_id,
        min(activity_week) as cohort_week
    from weeks_active
    where purchase_count > 0
    group by customer_id

),

customers_in_cohorts as (

    select
        first_purchases.cohort_week,
        weeks_active.activity_week,
        weeks_active.purchase_count,
        weeks_active.net_revenue
    from weeks_active
    inner join first_purchases
        on weeks_active.customer_id = first_purchases.customer_id

),

weeks_counted as (

    select
        cohort_week,
        cast({{ days_between('cohort_week', 'activity_week') }} / 7 as int) as weeks_since_first_order,
        count(case when purchase_count > 0 then 1 end) as active_customers,
        count(*) as customers_with_activity,
        sum(net_revenue) as net_revenue
    from customers_in_cohorts
    where activity_week >= cohort_week
    group by cohort_week, cast({{ days_between('cohort_week', 'activity_week') }} / 7 as int)

),

cohorts as (

    select
        cohort_week,
        active_customers as cohort_customers,
        net_revenue as first_net_revenue,
        min(cohort_week) over () as first_cohort_week,
        cast({{ days_between('cohort_week', week_start(as_of())) }} / 7 as int) as weeks_observed
    from weeks_counted
    where weeks_since_first_order = 0

),

-- Also the weeks in which nobody came.
cohort_weeks as (

    select
        cohorts.cohort_week,
        cast(weeks_numbered.week_number as int) as weeks_since_first_order,
        cohorts.cohort_customers,
        cohorts.first_net_revenue,
        cohorts.first_cohort_week,
        {{ days_after('cohorts.cohort_week', '7 * (weeks_numbered.week_number + 1)') }} as week_ends_at
    from cohorts
    inner join weeks_numbered
        on cohorts.weeks_observed >= weeks_numbered.week_number

),

weeks_filled as (

    select
        cohort_weeks.*,
        coalesce(weeks_counted.active_customers, 0) as active_customers,
        coalesce(weeks_counted.customers_with_activity, 0) as customers_with_activity,
        coalesce(weeks_counted.net_revenue, 0) as net_revenue
    from cohort_weeks
    left join weeks_counted
        on
            cohort_weeks.cohort_week = weeks_counted.cohort_week
            and cohort_weeks.weeks_since_first_order = weeks_counted.weeks_since_first_order

)

select
    cohort_week,
    weeks_since_first_order,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(active_customers as bigint) as active_customers,
    cast(cast(active_customers as double) / cast(nullif(cohort_customers, 0) as double) as decimal(9, 6))
        as retention_share,
    cast(customers_with_activity as bigint) as customers_with_activity,
    cast(cast(customers_with_activity as double) / cast(nullif(cohort_customers, 0) as double) as decimal(9, 6))
        as activity_share,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    cast(cast(net_revenue as double) / cast(nullif(first_net_revenue, 0) as double) as decimal(18, 6))
        as revenue_retention_share,
    {{ days_between('first_cohort_week', 'cohort_week') }} < 7 * {{ left_censored_weeks }} as is_left_censored,
    week_ends_at <= {{ as_of() }} as is_complete
from weeks_filled
