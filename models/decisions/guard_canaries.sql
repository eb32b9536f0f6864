{%- set wait_minutes = 60 %}

-- What a campaign with a canary has to show before its rest may leave: how long the canary waits, and of which outcomes
-- it may have how large a share.
with campaigns as (

    select
        campaign,
        channel
    from {{ ref('campaign_sizes') }}

),

campaign_guards as (

    select
        campaign,
        canary_people,
        canary_wait_minutes
    from {{ ref('campaign_guards') }}
    where canary_people is not null

),

limits as (

    select
        channel,
        measure,
        canary_below
    from {{ ref('deliverability_limits') }}
    where canary_below is not null

)

select
    campaigns.campaign,
    limits.measure,
    campaign_guards.canary_people,
    coalesce(campaign_guards.canary_wait_minutes, {{ wait_minutes }}) as wait_minutes,
    cast(limits.canary_below as double) as limit_value
from campaigns
inner join campaign_guards
    on campaigns.campaign = campaign_guards.campaign
left join limits
    on campaigns.channel = limits.channel
