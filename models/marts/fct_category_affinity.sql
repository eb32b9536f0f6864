-- Where a customer's money went in the last 365 days: the share of each category. Of equal shares the category that
-- was ordered more often stands first, then the alphabet.
with category_purchases as (

    select
        customer_id,
        product_category,
        net_amount_365_days,
        order_count_365_days
    from {{ ref('int_category_purchases_summed') }}
    where net_amount_365_days > 0

),

categories_ranked as (

    select
        customer_id,
        product_category,
        net_amount_365_days,
        order_count_365_days,
        sum(net_amount_365_days) over (partition by customer_id) as customer_amount,
        row_number() over (
            partition by customer_id
            order by
                net_amount_365_days desc nulls last, order_count_365_days desc nulls last,
                product_category asc nulls last
        ) as affinity_rank
    from category_purchases

)

select
    customer_id,
    product_category,
    cast(affinity_rank as int) as affinity_rank,
    order_count_365_days,
    net_amount_365_days,
    cast(
        cast(net_amount_365_days as double) / cast(nullif(customer_amount, 0) as double) as decimal(9, 6)
    ) as affinity_share
from categories_ranked
