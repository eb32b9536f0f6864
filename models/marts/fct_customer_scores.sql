-- Everything that is scored about a customer, in one row. Who never purchased has no scores and no flags.
{%- set return_risk_orders = 3 %}
{%- set return_risk_share = 0.30 %}
{%- set churned_below_p_alive = 0.20 %}

with customers as (

    select customer_id
    from {{ ref('dim_customers') }}

),

customers_scored as (

    select
        customer_id,
        rfm_segment,
        predicted_value_tier,
        recency_score,
        frequency_score,
        monetary_score,
        p_alive,
        expected_purchases_365_days,
        expected_spend,
        predicted_value_365_days,
        fitted_at
    from {{ ref('int_customers_scored') }}

),

customers_returns_counted as (

    select
        customer_id,
        order_count_365_days,
        returned_order_count_365_days,
        refund_share_365_days
    from {{ ref('int_customers_returns_counted') }}

),

lifecycle_changes as (

    select
        customer_id,
        lifecycle_stage
    from {{ ref('fct_lifecycle_changes') }}
    where is_current

),

category_affinity as (

    select
        customer_id,
        product_category,
        affinity_share
    from {{ ref('fct_category_affinity') }}
    where affinity_rank = 1

),

return_risk as (

    select
        customer_id,
        order_count_365_days >= {{ return_risk_orders }}
        and (
            refund_share_365_days >= {{ return_risk_share }}
            or cast(returned_order_count_365_days as double) / cast(nullif(order_count_365_days, 0) as double)
            >= {{ return_risk_share }}
        ) as has_high_return_risk
    from customers_returns_counted

)

select
    customers.customer_id,
    coalesce(customers_scored.rfm_segment, 'none') as rfm_segment,
    coalesce(customers_scored.predicted_value_tier, 'none') as predicted_value_tier,
    category_affinity.product_category as favourite_category,
    customers_scored.recency_score,
    customers_scored.frequency_score,
    customers_scored.monetary_score,
    cast(customers_scored.p_alive as decimal(9, 6)) as p_alive,
    cast(customers_scored.expected_purchases_365_days as decimal(18, 6)) as expected_purchases_365_days,
    customers_scored.expected_spend,
    customers_scored.predicted_value_365_days,
    category_affinity.affinity_share as favourite_category_share,
    coalesce(return_risk.has_high_return_risk, false) as has_high_return_risk,
    -- Whoever bought lately is here, whatever the model thinks.
    coalesce(
        lifecycle_changes.lifecycle_stage = 'lost'
        or (
            lifecycle_changes.lifecycle_stage in ('inactive', 'lapsed')
            and customers_scored.p_alive < {{ churned_below_p_alive }}
        ),
        false
    ) as is_churned,
    coalesce(lifecycle_changes.lifecycle_stage = 'reactivated', false) as is_reactivated,
    customers_scored.fitted_at
from customers
left join customers_scored
    on customers.customer_id = customers_scored.customer_id
left join return_risk
    on customers.customer_id = return_risk.customer_id
left join lifecycle_changes
    on customers.customer_id = lifecycle_changes.customer_id
left join category_affinity
    on customers.customer_id = category_affinity.customer_id
