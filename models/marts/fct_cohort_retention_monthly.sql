-- Of the customers whose first order was in a month, how many ordered again so many months later.
with orders as (

    select
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}

),

months_ordered as (

    select distinct
        customer_id,
        cast({{ dbt.date_trunc('month', 'ordered_at') }} as date) as order_month
    from orders

),

customers_in_cohorts as (

    select
        customer_id,
        order_month,
        min(order_month) over (partition by customer_id) as cohort_month
    from months_ordered

),

months_counted as (

    select
        cohort_month,
        cast({{ dbt.datediff('cohort_month', 'order_month', 'month') }} as int) as months_since_first_order,
        count(*) as active_customers
    from customers_in_cohorts
    group by cohort_month, cast({{ dbt.datediff('cohort_month', 'order_month', 'month') }} as int)

),

cohorts_sized as (

    select
        cohort_month,
        months_since_first_order,
        active_customers,
        max(case when months_since_first_order = 0 then active_customers end)
            over (partition by cohort_month) as cohort_customers,
        min(cohort_month) over () as first_month
    from months_counted

)

select
    cohort_month,
    months_since_first_order,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(active_customers as bigint) as active_customers,
    cast(cast(active_customers as double) / cast(nullif(cohort_customers, 0) as double) as decimal(9, 6))
        as retention_share,
    cohort_month = first_month as is_left_censored
from cohorts_sized
