{%- set inactive_after_days = 30 %}
{%- set lapsed_after_days = 60 %}

with customers as (

    select
        customer_id,
        last_ordered_at,
        {{ days_between('last_ordered_at', as_of()) }} as days_since_order
    from {{ ref('dim_customers') }}

)

select
    'inactive_customers' as audience,
    customer_id,
    'last order ' || cast(days_since_order as string) || ' days ago' as qualified_by,
    last_ordered_at as qualified_at
from customers
where days_since_order >= {{ inactive_after_days }} and days_since_order < {{ lapsed_after_days }}
