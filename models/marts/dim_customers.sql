with customers as (

    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        company,
        loyalty_number,
        occupation,
        interests,
        address,
        postal_code,
        city,
        country,
        time_zone,
        time_zone_basis,
        language,
        account_id,
        profile_count,
        has_role_email,
        has_disposable_email,
        birth_date,
        created_at
    from {{ ref('int_customers_merged') }}

),

customer_values as (

    select
        customer_id,
        value_tier,
        order_count,
        net_revenue,
        net_revenue_365_days,
        has_mixed_currency,
        first_ordered_at,
        last_ordered_at
    from {{ ref('int_customers_valued') }}

),

customers_scored as (

    select
        customer_id,
        rfm_segment,
        predicted_value_365_days
    from {{ ref('int_customers_scored') }}

),

subscriptions as (

    select
        customer_id,
        started_at
    from {{ ref('fct_subscriptions') }}
    where is_active

),

tickets as (

    select
        customer_id,
        opened_at
    from {{ ref('fct_tickets') }}

),

lifecycle_changes as (

    select
        customer_id,
        lifecycle_stage
    from {{ ref('fct_lifecycle_changes') }}
    where is_current

),

subscriptions_by_customer as (

    select
        customer_id,
        min(started_at) as subscribed_at
    from subscriptions
    group by customer_id

),

tickets_by_customer as (

    select
        customer_id,
        max(opened_at) as last_ticket_at
    from tickets
    group by customer_id

)

select
    customers.customer_id,
    customers.email,
    customers.phone,
    customers.first_name,
    customers.last_name,
    customers.company,
    customers.loyalty_number,
    customers.occupation,
    customers.interests,
    customers.address,
    customers.postal_code,
    customers.city,
    customers.country,
    customers.time_zone,
    customers.time_zone_basis,
    customers.language,
    customers.account_id,
    coalesce(customer_values.value_tier, 'none') as value_tier,
    coalesce(customers_scored.rfm_segment, 'none') as rfm_segment,
    coalesce(lifecycle_changes.lifecycle_stage, 'prospect') as lifecycle_stage,
    customers.profile_count,
    coalesce(customer_values.order_count, 0) as order_count,
    coalesce(customer_values.net_revenue, cast(0 as decimal(18, 4))) as net_revenue,
    coalesce(customer_values.net_revenue_365_days, cast(0 as decimal(18, 4))) as net_revenue_365_days,
    customers_scored.predicted_value_365_days,
    subscriptions_by_customer.customer_id is not null as has_active_subscription,
    coalesce(customer_values.has_mixed_currency, false) as has_mixed_currency,
    customers.has_role_email,
    customers.has_disposable_email,
    customers.birth_date,
    customers.created_at,
    customer_values.first_ordered_at,
    customer_values.last_ordered_at,
    subscriptions_by_customer.subscribed_at,
    tickets_by_customer.last_ticket_at
from customers
left join customer_values
    on customers.customer_id = customer_values.customer_id
left join customers_scored
    on customers.customer_id = customers_scored.customer_id
left join lifecycle_changes
    on customers.customer_id = lifecycle_changes.customer_id
left join subscriptions_by_customer
    on customers.customer_id = subscriptions_by_customer.customer_id
left join tickets_by_customer
    on customers.customer_id = tickets_by_customer.customer_id
