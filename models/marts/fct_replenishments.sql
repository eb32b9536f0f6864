-- What a customer buys again and again, how often, and when it would be due next. A purchase is a day with a line of
-- the category in an order that was not returned: several lines or orders on one day are one.
{%- set regular_from_purchases = 3 %}

with order_lines as (

    select
        order_id,
        customer_id,
        product_category,
        cast(ordered_at as date) as bought_date
    from {{ ref('fct_order_lines') }}
    where
        quantity > 0
        and {{ is_category_of_interest('product_category') }}

),

orders as (

    select order_id
    from {{ ref('fct_orders') }}
    where status <> 'returned'

),

purchases as (

    select distinct
        order_lines.customer_id,
        order_lines.product_category,
        order_lines.bought_date
    from order_lines
    inner join orders
        on order_lines.order_id = orders.order_id

),

purchases_counted as (

    select
        customer_id,
        product_category,
        cast(count(*) as int) as purchase_count,
        min(bought_date) as first_bought_date,
        max(bought_date) as last_bought_date
    from purchases
    group by customer_id, product_category
    having count(*) >= {{ regular_from_purchases }}

),

gaps_averaged as (

    select
        customer_id,
        product_category,
        purchase_count,
        cast({{ days_between('first_bought_date', 'last_bought_date') }} as double)
        / cast(purchase_count - 1 as double) as mean_gap_days,
        last_bought_date
    from purchases_counted

)

select
    customer_id,
    product_category,
    purchase_count,
    cast(mean_gap_days as decimal(9, 2)) as mean_gap_days,
    last_bought_date,
    cast({{ days_after('last_bought_date', 'cast(round(mean_gap_days) as int)') }} as date) as due_date
from gaps_averaged
