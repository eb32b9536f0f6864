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
        cast(
            coalesce(
                sum(case when orders.ordered_at >= windows.begins_at then orders.net_amount_reporting end), 0
            ) as double
        ) as net_spend,
        max(case when orders.ordered_at >= windows.begins_at then 1 else 0 end) as bought,
        max(case when orders.ordered_at < windows.begins_at then orders.ordered_at end) as last_ordered_at,
        least(min(customers.created_at), min(orders.ordered_at)) as first_known_at
    from windows
    cross join customers
    left join orders
        on customers.customer_id = orders.customer_id
    group by windows.outcome_days, windows.begins_at, customers.customer_id

)

select
    outcome_days,
    {{ weeks_quiet('last_ordered_at', 'begins_at') }} as weeks_quiet,
    cast(count(*) as bigint) as people,
    avg(cast(bought as double)) as bought_share,
    avg(net_spend) as mean_net_spend,
    avg(net_spend * net_spend) as mean_squared_net_spend
from customers_summed
where first_known_at < begins_at
group by outcome_days, {{ weeks_quiet('last_ordered_at', 'begins_at') }}
