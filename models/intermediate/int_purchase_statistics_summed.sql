-- What the models of repeat buying need to know of each customer who ever purchased, at as_of: x, t_x and T of BG/NBD
-- (Fader, Hardie and Lee 2005), and the mean value of Gamma-Gamma (Fader and Hardie 2013). Their unit is the day with a
-- purchase: what was bought on one day (UTC) is one purchase, as in their published data. Returned orders are none.
{%- set days_per_week = 7 %}

with orders as (

    select
        customer_id,
        net_amount_reporting,
        cast(ordered_at as date) as purchase_date
    from {{ ref('int_orders_converted') }}
    where status <> 'returned'

),

purchase_days as (

    select
        customer_id,
        purchase_date,
        sum(net_amount_reporting) as day_value
    from orders
    group by customer_id, purchase_date

),

purchase_days_dated as (

    select
        customer_id,
        day_value,
        purchase_date,
        min(purchase_date) over (partition by customer_id) as first_purchase_date
    from purchase_days

),

customers_summed as (

    select
        customer_id,
        cast(count(*) - 1 as int) as frequency,
        cast(sum(case when purchase_date > first_purchase_date then day_value end) as decimal(18, 4)) as repeat_value,
        first_purchase_date,
        max(purchase_date) as last_purchase_date
    from purchase_days_dated
    group by customer_id, first_purchase_date

),

days_counted as (

    select
        *,
        {{ days_between('first_purchase_date', 'last_purchase_date') }} as recency_days,
        {{ days_between('first_purchase_date', as_of()) }} as age_days
    from customers_summed

)

select
    customer_id,
    frequency,
    recency_days,
    age_days,
    cast(recency_days as double) / {{ days_per_week }} as recency_weeks,
    cast(age_days as double) / {{ days_per_week }} as age_weeks,
    cast(cast(repeat_value as double) / nullif(frequency, 0) as decimal(18, 4)) as monetary_value,
    first_purchase_date,
    last_purchase_date
from days_counted
