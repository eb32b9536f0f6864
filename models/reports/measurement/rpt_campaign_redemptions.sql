-- Of the people who got a campaign of another tool, how many did what it asked for, as that tool reported it.
with sends as (

    select
        customer_id,
        campaign,
        channel,
        sent_at
    from {{ ref('fct_sends') }}
    where origin = 'imported'

),

conversions as (

    select
        customer_id,
        campaign,
        count(*) as conversion_count,
        sum(conversion_value_reporting) as conversion_value
    from {{ ref('fct_campaign_conversions') }}
    where has_send
    group by customer_id, campaign

),

recipients as (

    select
        customer_id,
        campaign,
        min(channel) as channel,
        count(*) as sends,
        min(sent_at) as first_sent_at,
        max(sent_at) as last_sent_at
    from sends
    group by customer_id, campaign

)

select
    recipients.campaign,
    case when min(recipients.channel) = max(recipients.channel) then min(recipients.channel) end as channel,
    cast(sum(recipients.sends) as bigint) as sends,
    cast(count(*) as bigint) as recipients,
    cast(count(conversions.customer_id) as bigint) as converters,
    cast(coalesce(sum(conversions.conversion_count), 0) as bigint) as conversions,
    {{ share_of('count(conversions.customer_id)', 'count(*)') }} as redemption_rate,
    {{ wilson_bound('count(conversions.customer_id)', 'count(*)', 'lower') }} as redemption_rate_lower,
    {{ wilson_bound('count(conversions.customer_id)', 'count(*)', 'upper') }} as redemption_rate_upper,
    cast(sum(conversions.conversion_value) as decimal(18, 4)) as conversion_value,
    min(recipients.first_sent_at) as first_sent_at,
    max(recipients.last_sent_at) as last_sent_at
from recipients
left join conversions
    on
        recipients.customer_id = conversions.customer_id
        and recipients.campaign = conversions.campaign
group by recipients.campaign
