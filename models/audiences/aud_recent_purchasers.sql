{%- set recent_within_days = 7 %}

with orders as (

    select
        customer_id,
        status,
        ordered_at
    from {{ ref('fct_orders') }}

),

last_orders as (

    select
        customer_id,
        max(ordered_at) as last_ordered_at
    from orders
    where status <> 'returned'
    group by customer_id

)

select
    'recent_purchasers' as audience,
    customer_id,
    'ordered in the last {{ recent_within_days }} days' as qualified_by,
    last_ordered_at as qualified_at
from last_orders
where last_ordered_at >= {{ days_before(as_of(), recent_within_days) }}
