with cohort_periods as (

    select
        grain,
        cohort_period,
        periods_since_first_order,
        cohort_customers,
        active_customers,
        retention_share,
        customers_with_activity,
        activity_share,
        net_revenue,
        revenue_retention_share,
        is_left_censored,
        is_complete
    from {{ ref('fct_cohort_retention') }}

)

select
    cohort_period as cohort_month,
    periods_since_first_order as months_since_first_order,
    cohort_customers,
    active_customers,
    retention_share,
    customers_with_activity,
    activity_share,
    net_revenue,
    revenue_retention_share,
    is_left_censored,
    is_complete
from cohort_periods
where grain = 'month'
