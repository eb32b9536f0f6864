-- Of the customers whose first purchase was in a month, how many bought again so many months later, how many did
-- anything at all, and what share of the first month's revenue came again.
with active_days as (

    select
        customer_id,
        activity_date,
        purchase_count,
        net_revenue
    from {{ ref('fct_active_days') }}

),

-- More than enough: a hundred years.
months_numbered as (

    select numbers.month_number
    from range(0, 1200) as numbers (month_number)

),

months_active as (

    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'activity_date') }} as date) as activity_month,
        sum(purchase_count) as purchase_count,
        sum(net_revenue) as net_revenue
    from active_days
    group by customer_id, cast({{ dbt.date_trunc('month', 'activity_date') }} as date)

),

first_purchases as (

    select
        customer_id,
        min(activity_month) as cohort_month
    from months_active
    where purchase_count > 0
    group by customer_id

),

customers_in_cohorts as (

    select
        first_purchases.cohort_month,
        months_active.activity_month,
        months_active.purchase_count,
        months_active.net_revenue
    from months_active
    inner join first_purchases
        on months_active.customer_id = first_purchases.customer_id

),

months_counted as (

    select
        cohort_month,
        cast({{ dbt.datediff('cohort_month', 'activity_month', 'month') }} as int) as months_since_first_order,
        count(case when purchase_count > 0 then 1 end) as active_customers,
        count(*) as customers_with_activity,
        sum(net_revenue) as net_revenue
    from customers_in_cohorts
    where activity_month >= cohort_month
    group by cohort_month, cast({{ dbt.datediff('cohort_month', 'activity_month', 'month') }} as int)

),

cohorts as (

    select
        cohort_month,
        active_customers as cohort_customers,
        net_revenue as first_net_revenue,
        min(cohort_month) over () as first_cohort_month,
        cast({{ dbt.datediff('cohort_month', as_of(), 'month') }} as int) as months_observed
    from months_counted
    where months_since_first_order = 0

),

-- Also the months in which nobody came.
cohort_months as (

    select
        cohorts.cohort_month,
        cast(months_numbered.month_number as int) as months_since_first_order,
        cohorts.cohort_customers,
        cohorts.first_net_revenue,
        cohorts.first_cohort_month,
        cast({{ dbt.dateadd('month', 'months_numbered.month_number + 1', 'cohorts.cohort_month') }} as timestamp)
            as month_ends_at
    from cohorts
    inner join months_numbered
        on cohorts.months_observed >= months_numbered.month_number

),

months_filled as (

    select
        cohort_months.*,
        coalesce(months_counted.active_customers, 0) as active_customers,
        coalesce(months_counted.customers_with_activity, 0) as customers_with_activity,
        coalesce(months_counted.net_revenue, 0) as net_revenue
    from cohort_months
    left join months_counted
        on
            cohort_months.cohort_month = months_counted.cohort_month
            and cohort_months.months_since_first_order = months_counted.months_since_first_order

)

select
    cohort_month,
    months_since_first_order,
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
    cohort_month = first_cohort_month as is_left_censored,
    month_ends_at <= {{ as_of() }} as is_complete
from months_filled
