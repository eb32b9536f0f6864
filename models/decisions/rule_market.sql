-- Rule 1, after the campaign's own exclusions. Fails where the person lives in a country that is no market, or the
-- channel is switched off there. Only what contacts a person asks for a market.
with candidates as (

    select
        candidate_id,
        customer_id,
        channel,
        purpose
    from {{ ref('decision_candidates') }}

),

channel_purposes as (

    select
        channel,
        purpose
    from {{ ref('channel_purposes') }}
    where is_contact

),

recipients as (

    select
        customer_id,
        market
    from {{ ref('decision_recipients') }}

),

markets as (

    select
        market,
        is_open
    from {{ ref('markets') }}

),

closed_channels as (

    select
        market,
        channel
    from {{ ref('market_switches') }}
    where not is_open

)

select
    candidates.candidate_id,
    case when recipients.market is null then 'no_market' else 'market_closed' end as reason
from candidates
inner join channel_purposes
    on
        candidates.channel = channel_purposes.channel
        and candidates.purpose = channel_purposes.purpose
left join recipients
    on candidates.customer_id = recipients.customer_id
left join markets
    on recipients.market = markets.market
left join closed_channels
    on
        recipients.market = closed_channels.market
        and candidates.channel = closed_channels.channel
where
    recipients.market is null
    or not markets.is_open
    or closed_channels.channel is not null
