-- How much of what a customer ordered in the last 365 days came back: the inputs of the return risk. An order is
-- returned where its status says so, or where anything of it was paid back.
{%- set window_days = 365 %}

with orders as (

    select
        order_id,
        customer_id,
        status,
        paid_amount_reporting,
        refund_amount_reporting
    from {{ ref('int_orders_converted') }}
    where ordered_at >= {{ days_before(as_of(), window_days) }}

),

orders_counted as (

    select
        customer_id,
        cast(count(*) as int) as order_count_365_days,
        cast(sum(
            case when status = 'returned' or refund_amount_reporting > 0 then 1 else 0 end
        ) as int) as returned_order_count_365_days,
        cast(sum(paid_amount_reporting) as decimal(18, 4)) as paid_amount,
        cast(sum(refund_amount_reporting) as decimal(18, 4)) as refund_amount
    from orders
    group by customer_id

)

select
    customer_id,
    order_count_365_days,
    returned_order_count_365_days,
    cast(coalesce(
        cast(refund_amount as double) / cast(nullif(paid_amount, 0) as double), 0
    ) as decimal(9, 6)) as refund_share_365_days
from orders_counted
