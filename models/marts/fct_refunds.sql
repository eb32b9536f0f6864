with refunds as (

    select
        refund_id,
        order_id,
        reason,
        amount,
        refunded_at
    from {{ ref('stg_shop__refunds') }}
    where refunded_at < {{ as_of() }}

),

orders as (

    select
        order_id,
        profile_id,
        currency,
        cast(gross_amount - discount_amount as decimal(18, 4)) as paid_amount,
        ordered_at
    from {{ ref('stg_shop__orders') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    refunds.refund_id,
    refunds.order_id,
    profiles_mapped.customer_id,
    refunds.reason,
    orders.currency,
    {{ days_between('orders.ordered_at', 'refunds.refunded_at') }} as days_after_order,
    refunds.amount,
    refunds.amount < orders.paid_amount as is_partial,
    refunds.refunded_at
from refunds
inner join orders
    on refunds.order_id = orders.order_id
inner join profiles_mapped
    on orders.profile_id = profiles_mapped.profile_id
