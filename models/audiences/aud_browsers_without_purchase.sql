{%- set browsed_within_days = 14 %}

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

last_views as (

    select
        customer_id,
        max(occurred_at) as last_viewed_at
    from web_events
    where customer_id is not null and event_type in ('product_view', 'add_to_cart', 'checkout_started')
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
    'browsers_without_purchase' as audience,
    last_views.customer_id,
    'looked at products in the last {{ browsed_within_days }} days, no order since' as qualified_by,
    last_views.last_viewed_at as qualified_at
from last_views
left join last_orders
    on last_views.customer_id = last_orders.customer_id
where
    last_views.last_viewed_at >= {{ days_before(as_of(), browsed_within_days) }}
    and (last_orders.last_ordered_at is null or last_orders.last_ordered_at < last_views.last_viewed_at)
