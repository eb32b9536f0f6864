-- A refund in another currency than its order's would be taken off as if it were in that one.
with refunds as (

    select
        refund_id,
        order_id,
        currency
    from {{ ref('stg_shop__refunds') }}

),

orders as (

    select
        order_id,
        currency
    from {{ ref('stg_shop__orders') }}

)

select
    refunds.refund_id,
    refunds.currency as refund_currency,
    orders.currency as order_currency
from refunds
inner join orders
    on refunds.order_id = orders.order_id
where refunds.currency <> orders.currency
