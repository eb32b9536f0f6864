{%- set asked_from_days = 3 %}
{%- set asked_until_days = 10 %}
{%- set answered_within_days = 90 %}

with orders as (

    select
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}
    where
        status <> 'returned'
        and ordered_at >= {{ days_before(as_of(), asked_until_days) }}
        and ordered_at <= {{ days_before(as_of(), asked_from_days) }}

),

feedback as (

    select
        customer_id,
        submitted_at
    from {{ ref('fct_feedback') }}
    where submitted_at >= {{ days_before(as_of(), answered_within_days) }}

),

last_orders as (

    select
        customer_id,
        max(ordered_at) as last_ordered_at
    from orders
    group by customer_id

)

select
    'recent_buyers_for_feedback' as audience,
    customer_id,
    'ordered {{ asked_from_days }} to {{ asked_until_days }} days ago' as qualified_by,
    last_ordered_at as qualified_at
from last_orders
where not exists (
    select 1
    from feedback
    where feedback.customer_id = last_orders.customer_id
)
