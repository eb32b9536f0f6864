-- What each customer who ever purchased is expected to be worth in the next 365 days: P(alive) and purchases by
-- BG/NBD, spend per purchase by Gamma-Gamma. All are null where the parameters they need were never fitted.
{%- set vip_share = 0.10 %}
{%- set high_share = 0.30 %}
{%- set middle_share = 0.60 %}
{%- set largest_exponent = 700 %}

with purchase_statistics as (

    select
        customer_id,
        frequency,
        age_days,
        recency_weeks,
        age_weeks,
        monetary_value
    from {{ ref('int_purchase_statistics_summed') }}

),

purchases_expected as (

    select
        frequency,
        age_days,
        expected_purchases_365_days
    from {{ ref('int_purchases_expected') }}

),

parameters as (

    select
        bg_nbd_r,
        bg_nbd_alpha,
        bg_nbd_a,
        bg_nbd_b,
        gamma_gamma_p,
        gamma_gamma_q,
        gamma_gamma_v,
        bg_nbd_fitted_at
    from {{ ref('int_model_parameters_pivoted') }}

),

-- Leaving takes a purchase, and the first one does not count: without a repeat purchase nobody has left.
customers_alive as (

    select
        purchase_statistics.*,
        parameters.gamma_gamma_p,
        parameters.gamma_gamma_q,
        parameters.gamma_gamma_v,
        parameters.bg_nbd_fitted_at,
        case
            when parameters.bg_nbd_r is null then null
            when purchase_statistics.frequency = 0 then 1
            else
                1 / (1 + exp(least(
                    {{ largest_exponent }},
                    ln(parameters.bg_nbd_a / (parameters.bg_nbd_b + purchase_statistics.frequency - 1))
                    + (parameters.bg_nbd_r + purchase_statistics.frequency) * ln(
                        (parameters.bg_nbd_alpha + purchase_statistics.age_weeks)
                        / (parameters.bg_nbd_alpha + purchase_statistics.recency_weeks)
                    )
                )))
        end as p_alive
    from purchase_statistics
    cross join parameters

),

customers_expected as (

    select
        customers_alive.customer_id,
        customers_alive.p_alive,
        customers_alive.p_alive * cast(purchases_expected.expected_purchases_365_days as double) as expected_purchases,
        case
            when customers_alive.gamma_gamma_p * customers_alive.frequency + customers_alive.gamma_gamma_q > 1
                then
                    customers_alive.gamma_gamma_p * (
                        customers_alive.gamma_gamma_v
                        + customers_alive.frequency * cast(coalesce(customers_alive.monetary_value, 0) as double)
                    ) / (customers_alive.gamma_gamma_p * customers_alive.frequency + customers_alive.gamma_gamma_q - 1)
        end as expected_spend,
        customers_alive.bg_nbd_fitted_at
    from customers_alive
    left join purchases_expected
        on
            customers_alive.frequency = purchases_expected.frequency
            and customers_alive.age_days = purchases_expected.age_days

),

customers_valued as (

    select
        customer_id,
        cast(p_alive as decimal(10, 9)) as p_alive,
        cast(expected_purchases as decimal(18, 9)) as expected_purchases_365_days,
        cast(expected_spend as decimal(18, 4)) as expected_spend,
        cast(expected_purchases * expected_spend as decimal(18, 4)) as predicted_value_365_days,
        bg_nbd_fitted_at
    from customers_expected

),

customers_ranked as (

    select
        *,
        row_number() over (
            order by predicted_value_365_days desc nulls last, customer_id asc nulls last
        ) as value_rank,
        count(*) over () as customer_count
    from customers_valued

)

select
    customer_id,
    case
        when predicted_value_365_days is null then null
        when value_rank <= {{ vip_share }} * customer_count then 'vip'
        when value_rank <= {{ high_share }} * customer_count then 'high'
        when value_rank <= {{ middle_share }} * customer_count then 'middle'
        else 'low'
    end as predicted_value_tier,
    p_alive,
    expected_purchases_365_days,
    expected_spend,
    predicted_value_365_days,
    bg_nbd_fitted_at as fitted_at
from customers_ranked
