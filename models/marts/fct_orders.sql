with orders as (

    select
        order_id,
        profile_id,
        status,
        currency,
        gross_amount,
        discount_amount,
        refund_amount,
        net_amount,
        is_over_refunded,
        ordered_at
    from {{ ref('int_orders_netted') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    orders.order_id,
    profiles_mapped.customer_id,
    orders.status,
    orders.currency,
    orders.gross_amount,
    orders.discount_amount,
    orders.refund_amount,
    orders.net_amount,
    orders.is_over_refunded,
    orders.ordered_at
from orders
inner join profiles_mapped
    on orders.profile_id = profiles_mapped.profile_id
where orders.ordered_at < {{ as_of() }}
