{%- set fan_from_share = 0.2 %}
{%- set fan_from_orders = 5 %}

with category_affinity as (

    select
        customer_id,
        product_category,
        affinity_rank,
        order_count_365_days,
        affinity_share
    from {{ ref('fct_category_affinity') }}
    where {{ is_category_of_interest('product_category') }}

),

customers as (

    select
        customer_id,
        last_ordered_at
    from {{ ref('dim_customers') }}

),

fans_ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by affinity_rank asc nulls last
        ) as fan_rank
    from category_affinity
    where affinity_share >= {{ fan_from_share }} and order_count_365_days >= {{ fan_from_orders }}

)

select
    'category_fans' as audience,
    fans_ranked.customer_id,
    'affinity to ' || fans_ranked.product_category as qualified_by,
    customers.last_ordered_at as qualified_at
from fans_ranked
inner join customers
    on fans_ranked.customer_id = customers.customer_id
where fans_ranked.fan_rank = 1
