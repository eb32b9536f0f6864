-- What a message costs on each channel in the reporting currency, in each month with messages. A month has the rate of
-- its first day. Where no rate is kept at all, everything is in one currency, and needs none.
with sends as (

    select distinct
        channel,
        {{ month_start('sent_at') }} as send_month
    from {{ ref('int_sends_collected') }}

),

channel_costs as (

    select
        channel,
        cost_per_message,
        currency
    from {{ ref('channel_costs') }}

),

rates as (

    select
        currency,
        valid_from_date,
        rate_to_reporting
    from {{ ref('currency_rates') }}

),

rates_counted as (

    select count(*) as rate_count
    from rates

),

months_rated as (

    select
        sends.channel,
        sends.send_month,
        channel_costs.cost_per_message,
        max_by(rates.rate_to_reporting, rates.valid_from_date) as rate_to_reporting
    from sends
    inner join channel_costs
        on sends.channel = channel_costs.channel
    left join rates
        on
            channel_costs.currency = rates.currency
            and sends.send_month >= rates.valid_from_date
    group by sends.channel, sends.send_month, channel_costs.cost_per_message

)

select
    months_rated.channel,
    cast(
        months_rated.cost_per_message
        * coalesce(months_rated.rate_to_reporting, case when rates_counted.rate_count = 0 then 1 end)
        as decimal(18, 6)
    ) as cost_per_message_reporting,
    months_rated.send_month
from months_rated
cross join rates_counted
