-- Recency, frequency and monetary value of each customer who purchased in the last 365 days, scored from 1 to 5 by
-- fifths of those customers. Equal values are ordered by the customer id, so that nobody moves by chance. Returned
-- orders are no purchases.
{%- set window_days = 365 %}
{%- set score_count = 5 %}

with orders as (

    select
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}
    where
        status <> 'returned'
        and ordered_at >= {{ days_before(as_of(), window_days) }}

),

rfm_segments as (

    select
        recency_score,
        frequency_monetary_score,
        rfm_segment
    from {{ ref('rfm_segments') }}

),

customers_summed as (

    select
        customer_id,
        cast(count(*) as int) as purchase_count_365_days,
        cast(sum(net_amount_reporting) as decimal(18, 4)) as purchase_value_365_days,
        max(ordered_at) as last_purchased_at
    from orders
    group by customer_id

),

customers_ranked as (

    select
        *,
        row_number() over (
            order by last_purchased_at desc nulls last, customer_id asc nulls last
        ) as recency_rank,
        row_number() over (
            order by purchase_count_365_days desc nulls last, customer_id asc nulls last
        ) as frequency_rank,
        row_number() over (
            order by purchase_value_365_days desc nulls last, customer_id asc nulls last
        ) as monetary_rank,
        count(*) over () as customer_count
    from customers_summed

),

customers_scored as (

    select
        *,
        {%- for score in ['recency', 'frequency', 'monetary'] %}
        {{ score_count }} - cast(floor(
            ({{ score }}_rank - 1) * {{ score_count }} / cast(customer_count as double)
        ) as int) as {{ score }}_score{% if not loop.last %},{% endif %}
        {%- endfor %}
    from customers_ranked

),

-- The mean of the two scores of how much somebody buys; a half counts upwards.
customers_averaged as (

    select
        *,
        cast(floor((frequency_score + monetary_score + 1) / cast(2 as double)) as int) as frequency_monetary_score
    from customers_scored

)

select
    customers_averaged.customer_id,
    rfm_segments.rfm_segment,
    customers_averaged.recency_score,
    customers_averaged.frequency_score,
    customers_averaged.monetary_score,
    customers_averaged.frequency_monetary_score,
    customers_averaged.purchase_count_365_days,
    customers_averaged.purchase_value_365_days,
    customers_averaged.last_purchased_at
from customers_averaged
left join rfm_segments
    on
        customers_averaged.recency_score = rfm_segments.recency_score
        and customers_averaged.frequency_monetary_score = rfm_segments.frequency_monetary_score
