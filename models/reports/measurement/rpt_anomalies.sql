-- What is far from usual, and what is not: everything that is watched, with what was expected of it, and what follows.
with expectations as (

    select
        measure,
        subject,
        consequence,
        compared_with,
        measured,
        usual,
        deviation,
        lowest,
        highest,
        is_anomalous,
        observed_date
    from {{ ref('decision_expectations') }}

),

guards as (

    select
        campaign,
        guard,
        consequence,
        is_tripped
    from {{ ref('guard_anomalies') }}

),

campaigns as (

    select
        campaign,
        channel
    from {{ ref('campaign_sizes') }}

),

guards_counted as (

    select
        expectations.measure,
        expectations.subject,
        count(distinct case when guards.is_tripped then guards.campaign end) as campaigns_stopped
    from expectations
    inner join guards
        on guards.guard = 'unusual_' || expectations.measure
    inner join campaigns
        on
            guards.campaign = campaigns.campaign
            and expectations.subject in (campaigns.campaign, campaigns.channel)
    group by expectations.measure, expectations.subject

)

select
    expectations.measure,
    expectations.subject,
    case
        when expectations.highest is null then 'too few like days'
        when not expectations.is_anomalous then 'as usual'
        when expectations.measured > expectations.highest then 'far more than usual'
        else 'far less than usual'
    end as verdict,
    case
        when coalesce(guards_counted.campaigns_stopped, 0) > 0 then expectations.consequence
        else 'show'
    end as consequence,
    expectations.compared_with,
    cast(coalesce(guards_counted.campaigns_stopped, 0) as bigint) as campaigns_stopped,
    expectations.measured,
    expectations.usual,
    expectations.deviation,
    expectations.lowest,
    expectations.highest,
    expectations.is_anomalous,
    expectations.observed_date
from expectations
left join guards_counted
    on
        expectations.measure = guards_counted.measure
        and expectations.subject = guards_counted.subject
