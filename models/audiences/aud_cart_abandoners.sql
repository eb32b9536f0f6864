{%- set abandoned_after_hours = 1 %}
{%- set forgotten_after_hours = 24 %}

with web_events as (

    select
        customer_id,
        event_type,
        occurred_at
    from {{ ref('fct_web_events') }}

),

orders as (

    select
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}

),

last_carts as (

    select
        customer_id,
        max(occurred_at) as last_carted_at
    from web_events
    where customer_id is not null and event_type in ('add_to_cart', 'checkout_started')
    group by customer_id

),

last_orders as (

    select
        customer_id,
        max(ordered_at) as last_ordered_at
    from orders
    group by customer_id

)

select
    'cart_abandoners' as audience,
    last_carts.customer_id,
    'left a cart in the last {{ forgotten_after_hours }} hours' as qualified_by,
    last_carts.last_carted_at as qualified_at
from last_carts
left join last_orders
    on last_carts.customer_id = last_orders.customer_id
where
    last_carts.last_carted_at >= {{ hours_after(as_of(), -forgotten_after_hours) }}
    and last_carts.last_carted_at <= {{ hours_after(as_of(), -abandoned_after_hours) }}
    and (last_orders.last_ordered_at is null or last_orders.last_ordered_at < last_carts.last_carted_at)
