-- How many customers of each cohort come back, month by month: the last cohorts, as people look at them.
{%- set cohorts_shown = 18 %}
with cohorts as (

    select
        cohort_month,
        months_since_first_order,
        cohort_customers,
        active_customers,
        retention_share,
        net_revenue,
        is_left_censored,
        is_complete
    from {{ ref('fct_cohort_retention_monthly') }}
    where {{ days_between('cohort_month', as_of()) }} <= {{ cohorts_shown }} * 31

)

select
    cast(months_since_first_order as int) as months_since_first_order,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(active_customers as bigint) as active_customers,
    cast(retention_share as decimal(9, 6)) as retention_share,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    is_left_censored,
    is_complete,
    cohort_month
from cohorts
