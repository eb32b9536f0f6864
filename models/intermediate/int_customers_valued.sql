-- The value tier of each customer with an order: by rank of net revenue over the last 365 days. The rank
-- ends in the customer id, so that equal revenue never moves anybody between tiers from run to run.
{%- set vip_share = 0.10 %}
{%- set high_share = 0.30 %}
{%- set middle_share = 0.60 %}

with orders as (

    select
        profile_id,
        net_amount,
        ordered_at
    from {{ ref('int_orders_netted') }}
    where ordered_at < {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

orders_summed as (

    select
        profiles_mapped.customer_id,
        cast(count(*) as int) as order_count,
        cast(sum(orders.net_amount) as decimal(18, 4)) as net_revenue,
        cast(sum(
            case when orders.ordered_at >= {{ days_before(as_of(), 365) }} then orders.net_amount else 0 end
        ) as decimal(18, 4)) as net_revenue_365_days,
        min(orders.ordered_at) as first_ordered_at,
        max(orders.ordered_at) as last_ordered_at
    from orders
    inner join profiles_mapped
        on orders.profile_id = profiles_mapped.profile_id
    group by profiles_mapped.customer_id

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
    first_ordered_at,
    last_ordered_at
from customers_ranked
