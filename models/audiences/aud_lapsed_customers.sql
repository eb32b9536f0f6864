{%- set lapsed_after_days = 60 %}
{%- set lost_after_days = 120 %}

with customers as (

    select
        customer_id,
        last_ordered_at,
        {{ days_between('last_ordered_at', as_of()) }} as days_since_order
    from {{ ref('dim_customers') }}

)

select
    'lapsed_customers' as audience,
    customer_id,
    'last order ' || cast(days_since_order as string) || ' days ago' as qualified_by,
    last_ordered_at as qualified_at
from customers
where days_since_order >= {{ lapsed_after_days }} and days_since_order <= {{ lost_after_days }}
