-- Of the customers whose first purchase was in a period, how many bought again so many periods later, how many did
-- anything at all, and what share of the first period's revenue came again. A period is a calendar month, or an ISO
-- week, which begins on Monday 00:00 UTC: one computation for both grains.
with cohort_grains as (

    select
        grain,
        left_censored_periods
    from {{ ref('cohort_grains') }}

),

active_days as (

    select
        customer_id,
        activity_date,
        purchase_count,
        net_revenue
    from {{ ref('fct_active_days') }}

),

-- More than enough: a hundred years of weeks.
periods_numbered as (

    select numbers.period_number
    from range(0, 5220) as numbers (period_number)

),

days_in_periods as (

    select
        cohort_grains.grain,
        active_days.customer_id,
        case
            when cohort_grains.grain = 'month' then {{ month_start('active_days.activity_date') }}
            else cast({{ week_start('active_days.activity_date') }} as date)
        end as activity_period,
        active_days.purchase_count,
        active_days.net_revenue
    from active_days
    cross join cohort_grains

),

periods_active as (

    select
        grain,
        customer_id,
        activity_period,
        sum(purchase_count) as purchase_count,
        sum(net_revenue) as net_revenue
    from days_in_periods
    group by grain, customer_id, activity_period

),

first_purchases as (

    select
        grain,
        customer_id,
        min(activity_period) as cohort_period
    from periods_active
    where purchase_count > 0
    group by grain, customer_id

),

customers_in_cohorts as (

    select
        first_purchases.grain,
        first_purchases.cohort_period,
        {{ periods_between(
            'first_purchases.grain', 'first_purchases.cohort_period', 'periods_active.activity_period'
        ) }} as periods_since_first_order,
        periods_active.purchase_count,
        periods_active.net_revenue
    from periods_active
    inner join first_purchases
        on
            periods_active.grain = first_purchases.grain
            and periods_active.customer_id = first_purchases.customer_id
            and periods_active.activity_period >= first_purchases.cohort_period

),

periods_counted as (

    select
        grain,
        cohort_period,
        periods_since_first_order,
        count(case when purchase_count > 0 then 1 end) as active_customers,
        count(*) as customers_with_activity,
        sum(net_revenue) as net_revenue
    from customers_in_cohorts
    group by grain, cohort_period, periods_since_first_order

),

cohorts as (

    select
        grain,
        cohort_period,
        active_customers as cohort_customers,
        net_revenue as first_net_revenue,
        min(cohort_period) over (partition by grain) as first_cohort_period,
        {{ periods_between('grain', 'cohort_period', as_of()) }} as periods_observed
    from periods_counted
    where periods_since_first_order = 0

),

-- Also the periods in which nobody came.
cohort_periods as (

    select
        cohorts.grain,
        cohorts.cohort_period,
        cast(periods_numbered.period_number as int) as periods_since_first_order,
        cohorts.cohort_customers,
        cohorts.first_net_revenue,
        {{ periods_between('cohorts.grain', 'cohorts.first_cohort_period', 'cohorts.cohort_period') }}
        < cohort_grains.left_censored_periods as is_left_censored,
        periods_numbered.period_number < cohorts.periods_observed as is_complete
    from cohorts
    inner join cohort_grains
        on cohorts.grain = cohort_grains.grain
    inner join periods_numbered
        on cohorts.periods_observed >= periods_numbered.period_number

),

periods_filled as (

    select
        cohort_periods.*,
        coalesce(periods_counted.active_customers, 0) as active_customers,
        coalesce(periods_counted.customers_with_activity, 0) as customers_with_activity,
        coalesce(periods_counted.net_revenue, 0) as net_revenue
    from cohort_periods
    left join periods_counted
        on
            cohort_periods.grain = periods_counted.grain
            and cohort_periods.cohort_period = periods_counted.cohort_period
            and cohort_periods.periods_since_first_order = periods_counted.periods_since_first_order

)

select
    grain,
    cohort_period,
    periods_since_first_order,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(active_customers as bigint) as active_customers,
    {{ share_of('active_customers', 'cohort_customers') }} as retention_share,
    cast(customers_with_activity as bigint) as customers_with_activity,
    {{ share_of('customers_with_activity', 'cohort_customers') }} as activity_share,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    cast(cast(net_revenue as double) / cast(nullif(first_net_revenue, 0) as double) as decimal(18, 6))
        as revenue_retention_share,
    is_left_censored,
    is_complete
from periods_filled
