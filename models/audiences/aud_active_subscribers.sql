with customers as (

    select
        customer_id,
        has_active_subscription,
        subscribed_at
    from {{ ref('dim_customers') }}

)

select
    'active_subscribers' as audience,
    customer_id,
    'subscription active' as qualified_by,
    subscribed_at as qualified_at
from customers
where has_active_subscription
