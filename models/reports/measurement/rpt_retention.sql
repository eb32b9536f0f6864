-- How many customers each month kept, lost, won and won back, and how many of its buyers had bought before. The base at
-- the start, less those who lapsed, and those new and won back, is the base at the end.
with customer_months as (

    select
        customer_id,
        purchase_count,
        net_revenue,
        is_repeat_buyer,
        is_base_at_start,
        is_base_at_end,
        is_gone_at_start,
        is_complete,
        calendar_month
    from {{ ref('fct_customer_months') }}

),

months_counted as (

    select
        calendar_month,
        is_complete,
        count(case when is_base_at_start then 1 end) as customers_at_start,
        count(case when is_base_at_start and is_base_at_end then 1 end) as customers_retained,
        count(case when is_base_at_start and not is_base_at_end then 1 end) as customers_churned,
        count(case when not is_base_at_start and not is_gone_at_start and is_base_at_end then 1 end) as customers_new,
        count(case when is_gone_at_start then 1 end) as customers_gone_at_start,
        count(case when is_gone_at_start and is_base_at_end then 1 end) as customers_reactivated,
        count(case when is_base_at_end then 1 end) as customers_at_end,
        count(case when purchase_count > 0 then 1 end) as buyers,
        count(case when is_repeat_buyer then 1 end) as repeat_buyers,
        sum(purchase_count) as orders,
        sum(net_revenue) as net_revenue
    from customer_months
    group by calendar_month, is_complete

)

select
    {%- for count in [
        'customers_at_start', 'customers_retained', 'customers_churned', 'customers_new', 'customers_gone_at_start',
        'customers_reactivated', 'customers_at_end', 'buyers', 'repeat_buyers', 'orders'
    ] %}
    cast({{ count }} as bigint) as {{ count }},
    {%- endfor %}
    {{ share_of('customers_retained', 'customers_at_start') }} as retention_rate,
    {{ share_of('customers_churned', 'customers_at_start') }} as churn_rate,
    {{ share_of('customers_reactivated', 'customers_gone_at_start') }} as reactivation_rate,
    {{ share_of('repeat_buyers', 'buyers') }} as repeat_purchase_rate,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    {{ amount_per('net_revenue', 'buyers') }} as revenue_per_buyer,
    is_complete,
    calendar_month
from months_counted
