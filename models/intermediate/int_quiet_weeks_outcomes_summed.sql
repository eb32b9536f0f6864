-- What customers bought in the last window, by how long they had been quiet when it began: that is what those who are
-- quiet for as long today are expected to buy in the next one.
with windows as (

    select distinct
        outcome_days,
        {{ days_before(as_of(), 'outcome_days') }} as begins_at
    from {{ ref('lift_windows') }}

),

customers as (

    select
        customer_id,
        created_at
    from {{ ref('int_customers_merged') }}

),

orders as (

    select
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

customers_summed as (

    select
        windows.outcome_days,
        windows.begins_at,
        customers.customer_id,
        max(case when orders.ordered_at < windows.begins_at then orders.ordered_at end) as last_ordered_at,
        max(case when orders.ordered_at >= windows.begins_at then 1 else 0 end) as bought,
        sum(case when orders.ordered_at >= windows.begins_at then orders.net_amount_reporting else 0 end) as net_spend
    from windows
    cross join customers
    left join orders
        on customers.customer_id = orders.customer_id
    group by windows.outcome_days, windows.begins_at, customers.customer_id
    having least(min(customers.created_at), min(orders.ordered_at)) < windows.begins_at

),

customers_measured as (

    select
        outcome_days,
        {{ weeks_quiet('last_ordered_at', 'begins_at') }} as weeks_quiet,
        'converted' as metric,
        cast(bought as double) as outcome
    from customers_summed

    union all

    select
        outcome_days,
        {{ weeks_quiet('last_ordered_at', 'begins_at') }} as weeks_quiet,
        'net_spend' as metric,
        cast(net_spend as double) as outcome
    from customers_summed

)

select
    outcome_days,
    weeks_quiet,
    metric,
    cast(count(*) as bigint) as people,
    avg(outcome) as mean_outcome,
    avg(outcome * outcome) as mean_squared_outcome
from customers_measured
group by outcome_days, weeks_quiet, metric
