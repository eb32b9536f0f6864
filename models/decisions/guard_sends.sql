{%- set looks_back_days = 30 %}

-- How were the last sends of each campaign, and of its whole channel, received? From the first limit on it waits for
-- its approver, from the second on it is held. Too few messages say nothing.
with campaigns as (

    select
        campaign,
        channel
    from {{ ref('campaign_sizes') }}

),

contacts as (

    select
        contact_id,
        campaign,
        channel
    from {{ ref('fct_contacts') }}
    where state in ('accepted', 'in_doubt') and contacted_at >= {{ days_before(as_of(), looks_back_days) }}

),

limits as (

    select
        channel,
        measure,
        approve_from,
        hold_from,
        min_messages
    from {{ ref('deliverability_limits') }}
    where approve_from is not null

),

engagement as (

    select distinct
        contact_id,
        case
            when event = 'complaint' then 'complained'
            when event = 'bounce' and is_hard_bounce then 'hard_bounced'
        end as measure
    from {{ ref('int_engagement_attributed') }}
    where event in ('complaint', 'bounce')

),

contacts_joined as (

    select
        contacts.campaign,
        contacts.channel,
        contacts.contact_id,
        limits.measure,
        case when engagement.contact_id is not null then 1 else 0 end as is_reported
    from contacts
    inner join limits
        on contacts.channel = limits.channel
    left join engagement
        on
            contacts.contact_id = engagement.contact_id
            and limits.measure = engagement.measure

),

sends_counted as (

    select
        'campaign' as subject,
        channel,
        campaign,
        measure,
        count(*) as messages,
        sum(is_reported) as messages_reported
    from contacts_joined
    group by channel, campaign, measure

    union all

    select
        'channel' as subject,
        channel,
        cast(null as string) as campaign,
        measure,
        count(*) as messages,
        sum(is_reported) as messages_reported
    from contacts_joined
    group by channel, measure

),

rates as (

    select
        campaigns.campaign,
        campaigns.channel,
        sends_counted.subject,
        sends_counted.measure,
        sends_counted.messages,
        sends_counted.messages_reported,
        cast(sends_counted.messages_reported as double) / cast(sends_counted.messages as double) as rate,
        limits.approve_from,
        limits.hold_from,
        limits.min_messages
    from campaigns
    inner join sends_counted
        on
            campaigns.channel = sends_counted.channel
            and campaigns.campaign = coalesce(sends_counted.campaign, campaigns.campaign)
    inner join limits
        on
            sends_counted.channel = limits.channel
            and sends_counted.measure = limits.measure

)

select
    campaign,
    measure || '_of_' || subject as guard,
    case when coalesce(rate >= hold_from, false) then 'hold' else 'approve' end as consequence,
    cast(messages_reported as string) || ' of the ' || cast(messages as string) || ' messages '
    || case when subject = 'campaign' then 'of ' || campaign else 'by ' || channel end
    || ' of the last {{ looks_back_days }} days '
    || case when measure = 'complained' then 'drew a complaint' else 'bounced for good' end
    || case
        when coalesce(rate >= hold_from, false)
            then ': from a share of ' || cast(hold_from as string) || ' on nothing more is sent'
        else ': from a share of ' || cast(approve_from as string) || ' on the approver must agree'
    end as explanation,
    rate as measured,
    cast(case when coalesce(rate >= hold_from, false) then hold_from else approve_from end as double) as limit_value,
    messages >= min_messages and rate >= approve_from as is_tripped
from rates
