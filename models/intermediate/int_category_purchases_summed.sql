-- What each customer bought of each product category in the last 365 days, in the reporting currency: the inputs of the
-- category affinity. Discounts and refunds of an order are shared out over its lines by their list price.
{%- set window_days = 365 %}

with orders as (

    select
        order_id,
        customer_id,
        net_amount_reporting,
        rate_to_reporting
    from {{ ref('int_orders_converted') }}
    where ordered_at >= {{ days_before(as_of(), window_days) }}

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
    where product_category is not null

),

-- An order has few categories and many lines: from here on a row is a category of an order.
order_categories as (

    select
        order_lines.order_id,
        products.product_category,
        cast(sum(order_lines.line_amount) as decimal(18, 4)) as category_amount
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
    group by order_lines.order_id, products.product_category

),

orders_summed as (

    select
        order_id,
        cast(sum(line_amount) as decimal(18, 4)) as lines_amount
    from order_lines
    group by order_id

),

-- Rounded before they are added up: a sum of floating-point numbers would depend on the order of the rows.
amounts_shared_out as (

    select
        orders.customer_id,
        order_categories.product_category,
        cast(order_categories.category_amount * orders.rate_to_reporting as decimal(18, 4)) as gross_amount,
        cast(
            cast(order_categories.category_amount as double)
            / cast(nullif(orders_summed.lines_amount, 0) as double)
            * cast(orders.net_amount_reporting as double)
            as decimal(18, 4)
        ) as net_amount
    from orders
    inner join order_categories
        on orders.order_id = order_categories.order_id
    inner join orders_summed
        on orders.order_id = orders_summed.order_id

)

select
    customer_id,
    product_category,
    cast(sum(gross_amount) as decimal(18, 4)) as gross_amount_365_days,
    cast(sum(coalesce(net_amount, 0)) as decimal(18, 4)) as net_amount_365_days,
    cast(count(*) as int) as order_count_365_days
from amounts_shared_out
group by customer_id, product_category
