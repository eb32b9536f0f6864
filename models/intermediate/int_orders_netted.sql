-- What is left of each order after discounts and the refunds known at as_of. Cancelled orders are none. An order never
-- falls below nothing: what was paid back beyond what was paid is a mistake that is told, not revenue that is lost.
with orders as (

    select
        order_id,
        profile_id,
        status,
        currency,
        gross_amount,
        discount_amount,
        cast(gross_amount - discount_amount as decimal(18, 4)) as paid_amount,
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
    where refunded_at < {{ as_of() }}

),

refunds_summed as (

    select
        order_id,
        cast(sum(amount) as decimal(18, 4)) as refunds_stated,
        cast(count(*) as int) as refund_count,
        max(refunded_at) as last_refunded_at
    from refunds
    group by order_id

),

orders_refunded as (

    select
        orders.*,
        coalesce(refunds_summed.refunds_stated, cast(0 as decimal(18, 4))) as refunds_stated,
        coalesce(refunds_summed.refund_count, 0) as refund_count,
        refunds_summed.last_refunded_at
    from orders
    left join refunds_summed
        on orders.order_id = refunds_summed.order_id

),

refunds_capped as (

    select
        *,
        case
            when refunds_stated <= paid_amount then refunds_stated
            when paid_amount > 0 then paid_amount
            else cast(0 as decimal(18, 4))
        end as refund_amount
    from orders_refunded

)

select
    order_id,
    profile_id,
    status,
    currency,
    gross_amount,
    discount_amount,
    paid_amount,
    cast(refund_amount as decimal(18, 4)) as refund_amount,
    cast(paid_amount - refund_amount as decimal(18, 4)) as net_amount,
    refund_count,
    refunds_stated > refund_amount as is_over_refunded,
    ordered_at,
    last_refunded_at
from refunds_capped
