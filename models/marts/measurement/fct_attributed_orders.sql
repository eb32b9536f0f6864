-- Which message each order is put down to: the last one that the customer clicked within the channel's click window,
-- else the last one that was sent within its send window, else none. An order has one message at most, so that revenue
-- by message adds up to revenue.
with orders as (

    select
        order_id,
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}
    where status <> 'returned'

),

sends as (

    select
        send_id,
        customer_id,
        campaign,
        channel,
        coalesce(is_bounced, false) as is_bounced,
        sent_at,
        first_clicked_at,
        last_clicked_at
    from {{ ref('fct_sends') }}

),

attribution_windows as (

    select
        channel,
        click_window_days,
        send_window_days
    from {{ ref('attribution_windows') }}

),

pairs as (

    select
        orders.order_id,
        orders.ordered_at,
        sends.send_id,
        sends.is_bounced,
        sends.sent_at,
        case
            when sends.last_clicked_at <= orders.ordered_at then sends.last_clicked_at
            when sends.first_clicked_at <= orders.ordered_at then sends.first_clicked_at
        end as clicked_at,
        attribution_windows.click_window_days,
        attribution_windows.send_window_days
    from orders
    inner join sends
        on
            orders.customer_id = sends.customer_id
            and orders.ordered_at >= sends.sent_at
    inner join attribution_windows
        on sends.channel = attribution_windows.channel

),

touches as (

    select
        order_id,
        send_id,
        'click' as attribution,
        clicked_at as touched_at
    from pairs
    where ordered_at < {{ days_after('clicked_at', 'click_window_days') }}

    union all

    select
        order_id,
        send_id,
        'send' as attribution,
        sent_at as touched_at
    from pairs
    where not is_bounced and ordered_at < {{ days_after('sent_at', 'send_window_days') }}

),

touches_ranked as (

    select
        order_id,
        send_id,
        attribution,
        touched_at,
        row_number() over (
            partition by order_id
            order by attribution asc nulls last, touched_at desc nulls last, send_id asc nulls last
        ) as touch_rank
    from touches

)

select
    orders.order_id,
    orders.customer_id,
    touches_ranked.send_id,
    sends.campaign,
    sends.channel,
    coalesce(touches_ranked.attribution, 'none') as attribution,
    orders.net_amount_reporting as net_revenue,
    orders.ordered_at,
    sends.sent_at,
    touches_ranked.touched_at
from orders
left join touches_ranked
    on
        orders.order_id = touches_ranked.order_id
        and touches_ranked.touch_rank = 1
left join sends
    on touches_ranked.send_id = sends.send_id
