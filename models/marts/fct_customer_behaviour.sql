-- What each customer did within 1, 7, 30 and 365 days before as_of. Everything is put into the smallest window that
-- holds it; a window then adds up its own and the smaller ones.
with web_events as (

    select
        customer_id,
        session_id,
        event_type,
        occurred_at
    from {{ ref('fct_web_events') }}
    where customer_id is not null

),

orders as (

    select
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

engagement as (

    select
        customer_id,
        event,
        first_occurred_at
    from {{ ref('fct_engagement') }}
    where event in ('open', 'click')

),

tickets as (

    select
        customer_id,
        opened_at
    from {{ ref('fct_tickets') }}

),

activities as (

    select
        customer_id,
        event_type as activity,
        cast(0 as decimal(18, 4)) as net_amount,
        occurred_at
    from web_events
    where event_type in ('page_view', 'product_view', 'add_to_cart', 'checkout_started')

    union all

    select
        customer_id,
        'session' as activity,
        cast(0 as decimal(18, 4)) as net_amount,
        min(occurred_at) as occurred_at
    from web_events
    group by customer_id, session_id

    union all

    select
        customer_id,
        'order' as activity,
        net_amount_reporting as net_amount,
        ordered_at as occurred_at
    from orders

    union all

    select
        customer_id,
        event as activity,
        cast(0 as decimal(18, 4)) as net_amount,
        first_occurred_at as occurred_at
    from engagement

    union all

    select
        customer_id,
        'ticket' as activity,
        cast(0 as decimal(18, 4)) as net_amount,
        opened_at as occurred_at
    from tickets

),

activities_placed as (

    select
        customer_id,
        activity,
        net_amount,
        case
            when occurred_at >= {{ days_before(as_of(), 1) }} then 1
            when occurred_at >= {{ days_before(as_of(), 7) }} then 7
            when occurred_at >= {{ days_before(as_of(), 30) }} then 30
            else 365
        end as smallest_window_days
    from activities
    where occurred_at >= {{ days_before(as_of(), 365) }}

),

activities_counted as (

    select
        customer_id,
        activity,
        smallest_window_days,
        count(*) as activity_count,
        sum(net_amount) as net_amount
    from activities_placed
    group by customer_id, activity, smallest_window_days

),

windows as (

    select 1 as window_days
    union all
    select 7 as window_days
    union all
    select 30 as window_days
    union all
    select 365 as window_days

)

select
    activities_counted.customer_id,
    windows.window_days,
    {%- for activity, column in {
        'page_view': 'page_view_count',
        'product_view': 'product_view_count',
        'add_to_cart': 'cart_count',
        'checkout_started': 'checkout_count',
        'session': 'session_count',
        'order': 'order_count',
        'open': 'open_count',
        'click': 'click_count',
        'ticket': 'ticket_count',
    }.items() %}
    cast(sum(
        case when activities_counted.activity = '{{ activity }}' then activities_counted.activity_count else 0 end
    ) as int) as {{ column }},
    {%- endfor %}
    cast(sum(activities_counted.net_amount) as decimal(18, 4)) as net_revenue
from activities_counted
inner join windows
    on activities_counted.smallest_window_days <= windows.window_days
group by activities_counted.customer_id, windows.window_days
