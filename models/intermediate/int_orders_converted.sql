-- The money of each order in the reporting currency, at the rate of its month: the only amounts that may be added up
-- over orders. An order in a currency without a rate has null amounts; the run stops before anybody reads them.
with orders as (

    select
        order_id,
        profile_id,
        status,
        currency,
        paid_amount,
        refund_amount,
        net_amount,
        ordered_at,
        cast({{ dbt.date_trunc('month', 'ordered_at') }} as date) as currency_month
    from {{ ref('int_orders_netted') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

currency_months as (

    select
        currency,
        currency_month,
        rate_to_reporting
    from {{ ref('int_currency_months_rated') }}

)

select
    orders.order_id,
    profiles_mapped.customer_id,
    orders.status,
    orders.currency,
    cast(orders.paid_amount * currency_months.rate_to_reporting as decimal(18, 4)) as paid_amount_reporting,
    cast(orders.refund_amount * currency_months.rate_to_reporting as decimal(18, 4)) as refund_amount_reporting,
    cast(orders.net_amount * currency_months.rate_to_reporting as decimal(18, 4)) as net_amount_reporting,
    currency_months.rate_to_reporting,
    orders.ordered_at
from orders
inner join profiles_mapped
    on orders.profile_id = profiles_mapped.profile_id
left join currency_months
    on
        orders.currency = currency_months.currency
        and orders.currency_month = currency_months.currency_month
where orders.ordered_at < {{ as_of() }}
