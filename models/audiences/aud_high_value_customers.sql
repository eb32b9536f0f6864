with customers as (

    select
        customer_id,
        value_tier,
        last_ordered_at
    from {{ ref('dim_customers') }}

)

select
    'high_value_customers' as audience,
    customer_id,
    'value tier ' || value_tier as qualified_by,
    last_ordered_at as qualified_at
from customers
where value_tier in ('vip', 'high')
