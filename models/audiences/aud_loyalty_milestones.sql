{%- set milestone_orders = [10, 25, 50, 100, 200, 500] %}
{%- set recent_within_days = 7 %}

with orders as (

    select
        order_id,
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}
    where status <> 'returned'

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

last_milestones as (

    select
        customer_id,
        max(order_number) as order_number,
        max(ordered_at) as reached_at
    from orders_numbered
    where order_number in ({{ milestone_orders | join(', ') }})
    group by customer_id

)

select
    'loyalty_milestones' as audience,
    customer_id,
    'order number ' || cast(order_number as string) as qualified_by,
    reached_at as qualified_at
from last_milestones
where reached_at >= {{ days_before(as_of(), recent_within_days) }}
