{%- set visited_within_days = 30 %}

with web_events as (

    select
        customer_id,
        occurred_at
    from {{ ref('fct_web_events') }}
    where customer_id is not null

),

category_affinity as (

    select
        customer_id,
        product_category,
        affinity_rank
    from {{ ref('fct_category_affinity') }}
    where {{ is_category_of_interest('product_category') }}

),

last_visits as (

    select
        customer_id,
        max(occurred_at) as last_visited_at
    from web_events
    group by customer_id

),

categories_ranked as (

    select
        customer_id,
        product_category,
        row_number() over (
            partition by customer_id
            order by affinity_rank asc nulls last
        ) as category_rank
    from category_affinity

)

select
    'onsite_visitors' as audience,
    last_visits.customer_id,
    'top category ' || categories_ranked.product_category as qualified_by,
    last_visits.last_visited_at as qualified_at
from last_visits
inner join categories_ranked
    on
        last_visits.customer_id = categories_ranked.customer_id
        and categories_ranked.category_rank = 1
where last_visits.last_visited_at >= {{ days_before(as_of(), visited_within_days) }}
