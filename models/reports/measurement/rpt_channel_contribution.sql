-- Which channel revenue is put down to, by month of the order, beside what was spent on the channel in that month.
-- Orders that no message gets are those of the channel `none`: the parts are the whole.
with attributed_orders as (

    select
        coalesce(channel, 'none') as channel,
        {{ month_start('ordered_at') }} as calendar_month,
        1 as orders,
        case when attribution = 'click' then 1 else 0 end as orders_by_click,
        net_revenue
    from {{ ref('fct_attributed_orders') }}

),

sends as (

    select
        channel,
        {{ month_start('sent_at') }} as calendar_month,
        cost_reporting
    from {{ ref('fct_sends') }}

),

rows_joined as (

    select
        channel,
        calendar_month,
        orders,
        orders_by_click,
        net_revenue,
        0 as sends,
        cast(0 as decimal(18, 6)) as cost
    from attributed_orders

    union all

    select
        channel,
        calendar_month,
        0 as orders,
        0 as orders_by_click,
        cast(0 as decimal(18, 4)) as net_revenue,
        1 as sends,
        coalesce(cost_reporting, 0) as cost
    from sends

),

channels_summed as (

    select
        channel,
        calendar_month,
        sum(orders) as orders,
        sum(orders_by_click) as orders_by_click,
        sum(sends) as sends,
        sum(net_revenue) as net_revenue,
        sum(cost) as cost
    from rows_joined
    group by channel, calendar_month

)

select
    channel,
    cast(orders as bigint) as orders,
    cast(orders_by_click as bigint) as orders_by_click,
    cast(sends as bigint) as sends,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    {{ share_of('net_revenue', 'sum(net_revenue) over (partition by calendar_month)') }} as revenue_share,
    cast(cost as decimal(18, 6)) as cost,
    {{ amount_per('net_revenue', 'cost') }} as revenue_per_cost,
    calendar_month
from channels_summed
