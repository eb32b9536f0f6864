-- The value tier of each customer with an order: by rank of net revenue over the last 365 days, in the reporting
-- currency. The rank ends in the customer id, so that equal revenue never moves anybody between tiers from run to run.
{%- set vip_share = 0.10 %}
{%- set high_share = 0.30 %}
{%- set middle_share = 0.60 %}

with orders as (

    select
        customer_id,
        currency,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

orders_summed as (

    select
        customer_id,
        cast(count(*) as int) as order_count,
        cast(sum(net_amount_reporting) as decimal(18, 4)) as net_revenue,
        cast(sum(
            case when ordered_at >= {{ days_before(as_of(), 365) }} then net_amount_reporting else 0 end
        ) as decimal(18, 4)) as net_revenue_365_days,
        min(currency) <> max(currency) as has_mixed_currency,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at
    from orders
    group by customer_id

),

customers_ranked as (

    select
        *,
        row_number() over (
            order by net_revenue_365_days desc nulls last, customer_id asc nulls last
        ) as revenue_rank,
        count(*) over () as customer_count
    from orders_summed

)

select
    customer_id,
    case
        when revenue_rank <= {{ vip_share }} * customer_count then 'vip'
        when revenue_rank <= {{ high_share }} * customer_count then 'high'
        when revenue_rank <= {{ middle_share }} * customer_count then 'middle'
        else 'low'
    end as value_tier,
    order_count,
    net_revenue,
    net_revenue_365_days,
    has_mixed_currency,
    first_ordered_at,
    last_ordered_at
from customers_ranked
