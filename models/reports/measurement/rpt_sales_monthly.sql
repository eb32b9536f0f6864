-- Sales by month, category and market. Gross and refunds are those of the orders of the month, whenever the money went
-- back, so that they make the net; what was paid back in the month, for orders of any month, stands beside. A returned
-- order is paid back whole.
with orders as (

    select
        order_id,
        customer_id,
        status,
        paid_amount_reporting,
        case when status = 'returned' then paid_amount_reporting else refund_amount_reporting end
            as refund_amount_reporting,
        rate_to_reporting,
        {{ month_start('ordered_at') }} as order_month
    from {{ ref('int_orders_converted') }}

),

refunds as (

    select
        order_id,
        amount,
        {{ month_start('refunded_at') }} as refund_month
    from {{ ref('fct_refunds') }}

),

order_categories as (

    select
        order_id,
        product_category,
        share_from,
        share_to
    from {{ ref('int_order_categories_shared') }}

),

customers as (

    select
        customer_id,
        country
    from {{ ref('dim_customers') }}

),

markets as (

    select
        country,
        min(market) as market
    from {{ ref('markets') }}
    group by country

),

entries as (

    select
        order_id,
        customer_id,
        order_month as calendar_month,
        1 as orders,
        paid_amount_reporting as gross,
        refund_amount_reporting as refunds,
        cast(0 as decimal(18, 4)) as refunds_paid
    from orders

    union all

    select
        orders.order_id,
        orders.customer_id,
        refunds.refund_month as calendar_month,
        0 as orders,
        cast(0 as decimal(18, 4)) as gross,
        cast(0 as decimal(18, 4)) as refunds,
        cast(refunds.amount * orders.rate_to_reporting as decimal(18, 4)) as refunds_paid
    from refunds
    inner join orders
        on refunds.order_id = orders.order_id

),

entries_shared_out as (

    select
        entries.calendar_month,
        order_categories.product_category,
        coalesce(markets.market, 'other') as market,
        entries.orders,
        {{ stretch_of('entries.gross', 'order_categories.share_from', 'order_categories.share_to') }}
            as gross,
        {{ stretch_of('entries.refunds', 'order_categories.share_from', 'order_categories.share_to') }}
            as refunds,
        {{ stretch_of('entries.refunds_paid', 'order_categories.share_from', 'order_categories.share_to') }}
            as refunds_paid
    from entries
    inner join order_categories
        on entries.order_id = order_categories.order_id
    left join customers
        on entries.customer_id = customers.customer_id
    left join markets
        on customers.country = markets.country

)

select
    product_category,
    market,
    cast(sum(orders) as bigint) as orders_with_category,
    cast(sum(gross) as decimal(18, 4)) as gross_revenue,
    cast(sum(refunds) as decimal(18, 4)) as refunds,
    cast(sum(gross) - sum(refunds) as decimal(18, 4)) as net_revenue,
    cast(sum(refunds_paid) as decimal(18, 4)) as refunds_paid_in_month,
    {{ share_of('sum(refunds)', 'sum(gross)') }} as refund_rate,
    {{ days_after(dbt.dateadd('month', 1, 'calendar_month'), 0) }} <= {{ as_of() }} as is_complete,
    calendar_month
from entries_shared_out
group by calendar_month, product_category, market
