-- How many customers of a month bought a second and a third time soon after the first.
{%- set windows_days = [30, 60, 90, 365] %}

with orders as (

    select
        order_id,
        customer_id,
        ordered_at
    from {{ ref('int_orders_converted') }}
    where status <> 'returned'

),

windows as (
    {%- for days in windows_days %}
    {% if not loop.first %}union all{% endif %}
    select {{ days }} as window_days
    {%- endfor %}

),

orders_numbered as (

    select
        customer_id,
        ordered_at,
        row_number() over (
            partition by customer_id
            order by ordered_at asc nulls last, order_id asc nulls last
        ) as order_number
    from orders

),

first_orders_in_columns as (

    select
        customer_id,
        max(case when order_number = 1 then ordered_at end) as first_ordered_at,
        max(case when order_number = 2 then ordered_at end) as second_ordered_at,
        max(case when order_number = 3 then ordered_at end) as third_ordered_at
    from orders_numbered
    where order_number <= 3
    group by customer_id

),

customers_in_cohorts as (

    select
        cast({{ dbt.date_trunc('month', 'first_ordered_at') }} as date) as cohort_month,
        {{ days_between('first_ordered_at', 'second_ordered_at') }} as days_to_second_order,
        {{ days_between('first_ordered_at', 'third_ordered_at') }} as days_to_third_order
    from first_orders_in_columns

),

cohorts_counted as (

    select
        customers_in_cohorts.cohort_month,
        windows.window_days,
        count(*) as cohort_customers,
        count(case when customers_in_cohorts.days_to_second_order < windows.window_days then 1 end)
            as customers_with_second_order,
        count(case when customers_in_cohorts.days_to_third_order < windows.window_days then 1 end)
            as customers_with_third_order
    from customers_in_cohorts
    cross join windows
    group by customers_in_cohorts.cohort_month, windows.window_days

),

-- The window of whoever came last began on the last day of the month, which is its day 0.
cohorts_bounded as (

    select
        *,
        min(cohort_month) over () as first_cohort_month,
        {{ days_after(dbt.dateadd('month', 1, 'cohort_month'), 'window_days - 1') }} as last_window_ends_at
    from cohorts_counted

)

select
    cohort_month,
    cast(window_days as int) as window_days,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(customers_with_second_order as bigint) as customers_with_second_order,
    cast(
        cast(customers_with_second_order as double) / cast(nullif(cohort_customers, 0) as double) as decimal(9, 6)
    ) as second_order_share,
    cast(customers_with_third_order as bigint) as customers_with_third_order,
    cast(
        cast(customers_with_third_order as double) / cast(nullif(cohort_customers, 0) as double) as decimal(9, 6)
    ) as third_order_share,
    cohort_month = first_cohort_month as is_left_censored,
    last_window_ends_at <= {{ as_of() }} as is_complete
from cohorts_bounded
