with customer_scores as (

    select
        customer_id,
        has_high_return_risk
    from {{ ref('fct_customer_scores') }}

),

customers as (

    select
        customer_id,
        last_ordered_at
    from {{ ref('dim_customers') }}

)

select
    'high_return_risk' as audience,
    customer_scores.customer_id,
    'high return risk' as qualified_by,
    customers.last_ordered_at as qualified_at
from customer_scores
inner join customers
    on customer_scores.customer_id = customers.customer_id
where customer_scores.has_high_return_risk
