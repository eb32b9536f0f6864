-- What each campaign sent in a month, what came of it, and what it brought. Orders count in the month of the message
-- that they are put down to.
{%- set outcomes = ['delivered', 'opened', 'clicked', 'bounced', 'complained', 'unsubscribed'] %}

with sends as (

    select
        send_id,
        customer_id,
        origin,
        campaign,
        channel,
        variant,
        cost_reporting,
        {%- for outcome in outcomes %}
        is_{{ outcome }},
        {%- endfor %}
        {{ month_start('sent_at') }} as send_month,
        sent_at
    from {{ ref('fct_sends') }}

),

orders as (

    select
        send_id,
        count(*) as order_count,
        sum(net_revenue) as net_revenue
    from {{ ref('fct_attributed_orders') }}
    where send_id is not null
    group by send_id

),

attribution_windows as (

    select
        channel,
        greatest(click_window_days, send_window_days) as window_days
    from {{ ref('attribution_windows') }}

),

sends_summed as (

    select
        sends.origin,
        sends.campaign,
        sends.channel,
        sends.variant,
        sends.send_month,
        count(*) as sends,
        count(distinct sends.customer_id) as recipients,
        {%- for outcome in outcomes %}
        sum(case when sends.is_{{ outcome }} then 1 when not sends.is_{{ outcome }} then 0 end) as {{ outcome }},
        {%- endfor %}
        count(orders.send_id) as converted,
        count(distinct case when orders.send_id is not null then sends.customer_id end) as converters,
        coalesce(sum(orders.order_count), 0) as conversions,
        cast(coalesce(sum(orders.net_revenue), 0) as decimal(18, 4)) as net_revenue,
        cast(sum(sends.cost_reporting) as decimal(18, 6)) as cost,
        max(sends.sent_at) as last_sent_at
    from sends
    left join orders
        on sends.send_id = orders.send_id
    group by sends.origin, sends.campaign, sends.channel, sends.variant, sends.send_month

)

select
    sends_summed.campaign,
    sends_summed.channel,
    sends_summed.variant,
    sends_summed.origin,
    cast(sends_summed.sends as bigint) as sends,
    cast(sends_summed.recipients as bigint) as recipients,
    {%- for outcome in outcomes + ['conversions', 'converters'] %}
    cast(sends_summed.{{ outcome }} as bigint) as {{ outcome }},
    {%- endfor %}
    {{ share_of('sends_summed.delivered', 'sends_summed.sends') }} as delivery_rate,
    {{ share_of('sends_summed.opened', 'sends_summed.delivered') }} as open_rate,
    {{ share_of('sends_summed.clicked', 'sends_summed.delivered') }} as click_rate,
    {{ share_of('sends_summed.bounced', 'sends_summed.sends') }} as bounce_rate,
    {{ share_of('sends_summed.complained', 'sends_summed.delivered') }} as complaint_rate,
    {{ share_of('sends_summed.unsubscribed', 'sends_summed.delivered') }} as unsubscribe_rate,
    {{ share_of('sends_summed.converted', 'sends_summed.sends') }} as conversion_rate,
    sends_summed.net_revenue,
    {{ amount_per('sends_summed.net_revenue', 'sends_summed.sends') }} as revenue_per_send,
    {{ amount_per('sends_summed.net_revenue', 'sends_summed.recipients') }} as revenue_per_recipient,
    sends_summed.cost,
    {{ days_after('sends_summed.last_sent_at', 'coalesce(attribution_windows.window_days, 0)') }} <= {{ as_of() }}
        as is_complete,
    sends_summed.send_month
from sends_summed
left join attribution_windows
    on sends_summed.channel = attribution_windows.channel
