-- RFM and prediction of each customer who ever purchased, side by side.
with customers_predicted as (

    select
        customer_id,
        predicted_value_tier,
        p_alive,
        expected_purchases_365_days,
        expected_spend,
        predicted_value_365_days,
        fitted_at
    from {{ ref('int_customers_predicted') }}

),

customers_rfm_scored as (

    select
        customer_id,
        rfm_segment,
        recency_score,
        frequency_score,
        monetary_score
    from {{ ref('int_customers_rfm_scored') }}

)

select
    customers_predicted.customer_id,
    coalesce(customers_rfm_scored.rfm_segment, 'none') as rfm_segment,
    coalesce(customers_predicted.predicted_value_tier, 'none') as predicted_value_tier,
    customers_rfm_scored.recency_score,
    customers_rfm_scored.frequency_score,
    customers_rfm_scored.monetary_score,
    customers_predicted.p_alive,
    customers_predicted.expected_purchases_365_days,
    customers_predicted.expected_spend,
    customers_predicted.predicted_value_365_days,
    customers_predicted.fitted_at
from customers_predicted
left join customers_rfm_scored
    on customers_predicted.customer_id = customers_rfm_scored.customer_id
