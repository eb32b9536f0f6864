with order_lines as (

    select
        order_id,
        line_number,
        product_id,
        quantity,
        unit_price
    from {{ ref('stg_shop__order_lines') }}

),

orders as (

    select
        order_id,
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}

),

products as (

    select
        product_id,
        product_category
    from {{ ref('stg_shop__products') }}

)

select
    order_lines.order_id,
    orders.customer_id,
    order_lines.product_id,
    products.product_category,
    order_lines.line_number,
    order_lines.quantity,
    order_lines.unit_price,
    orders.ordered_at
from order_lines
inner join orders
    on order_lines.order_id = orders.order_id
left join products
    on order_lines.product_id = products.product_id
