-- Which part of each order each product category has, as a stretch from 0 to 1 by the list price of its lines: the
-- stretches of an order lie end to end, so that what is shared out by them adds up to the last digit. Lines without a
-- category, and orders without lines, are `unknown`.
with orders as (

    select order_id
    from {{ ref('int_orders_converted') }}

),

order_lines as (

    select
        order_id,
        product_id,
        cast(quantity * coalesce(unit_price, 0) as decimal(18, 4)) as line_amount
    from {{ ref('stg_shop__order_lines') }}

),

products as (

    select
        product_id,
        product_category
    from {{ ref('stg_shop__products') }}

),

order_categories as (

    select
        order_lines.order_id,
        coalesce(products.product_category, 'unknown') as product_category,
        cast(sum(order_lines.line_amount) as decimal(18, 4)) as category_amount
    from order_lines
    left join products
        on order_lines.product_id = products.product_id
    group by order_lines.order_id, coalesce(products.product_category, 'unknown')
    having sum(order_lines.line_amount) > 0

),

stretches as (

    select
        order_id,
        product_category,
        category_amount,
        sum(category_amount) over (
            partition by order_id order by product_category asc nulls last
            rows between unbounded preceding and current row
        ) as amount_to,
        sum(category_amount) over (partition by order_id) as order_amount
    from order_categories

)

select
    orders.order_id,
    coalesce(stretches.product_category, 'unknown') as product_category,
    coalesce(
        cast(stretches.amount_to - stretches.category_amount as double) / cast(stretches.order_amount as double), 0
    ) as share_from,
    coalesce(cast(stretches.amount_to as double) / cast(stretches.order_amount as double), 1) as share_to
from orders
left join stretches
    on orders.order_id = stretches.order_id
