-- What is left of each order after discounts and the refunds known at as_of. Cancelled orders are none.
with orders as (

    select
        order_id,
        profile_id,
        status,
        currency,
        gross_amount,
        discount_amount,
        ordered_at
    from {{ ref('stg_shop__orders') }}
    where status <> 'cancelled'

),

refunds as (

    select
        order_id,
        amount,
        refunded_at
    from {{ ref('stg_shop__refunds') }}

),

refunds_summed as (

    select
        order_id,
        cast(sum(amount) as decimal(18, 4)) as refund_amount,
        max(refunded_at) as last_refunded_at
    from refunds
    group by order_id

)

select
    orders.order_id,
    orders.profile_id,
    orders.status,
    orders.currency,
    orders.gross_amount,
    orders.discount_amount,
    cast(coalesce(refunds_summed.refund_amount, 0) as decimal(18, 4)) as refund_amount,
    cast(
        orders.gross_amount - orders.discount_amount - coalesce(refunds_summed.refund_amount, 0)
        as decimal(18, 4)
    ) as net_amount,
    orders.ordered_at,
    refunds_summed.last_refunded_at
from orders
left join refunds_summed
    on orders.order_id = refunds_summed.order_id
