{#- The normal's 97.5 % and 80 % quantiles, added: found in four of five cases, with one false alarm in 20. -#}
{%- set z_95_and_power_80 = 2.801585218 %}
{#- As lift itself needs: see rpt_lift. -#}
{%- set needs_people_per_arm = 100 %}

-- Before a campaign goes out: what effect would its holdout show at all? From the people of this run, what they bought
-- in as many days before it as lift will look ahead, and the share who are held out.
with campaign_sizes as (

    select
        campaign,
        holdout_share
    from {{ ref('campaign_sizes') }}
    where holdout_share > 0

),

decisions as (

    select
        campaign,
        customer_id,
        verdict,
        coalesce(reason, '') as reason
    from {{ ref('decision_log') }}

),

decision_reasons as (

    select
        reason,
        rule
    from {{ ref('decision_reasons') }}

),

windows as (

    select
        experiment,
        outcome_days
    from {{ ref('lift_windows') }}

),

orders as (

    select
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

campaigns_timed as (

    select
        campaign_sizes.campaign,
        campaign_sizes.holdout_share,
        coalesce(own_windows.outcome_days, windows.outcome_days) as outcome_days
    from campaign_sizes
    inner join windows
        on windows.experiment = 'every'
    left join windows as own_windows
        on campaign_sizes.campaign = own_windows.experiment

),

-- Those of whom the draw decides: also who will lose to a cap or another campaign after it.
people as (

    select distinct
        campaigns_timed.campaign,
        decisions.customer_id,
        {{ days_before(as_of(), 'campaigns_timed.outcome_days') }} as looks_back_to
    from campaigns_timed
    inner join decisions
        on campaigns_timed.campaign = decisions.campaign
    left join decision_reasons
        on decisions.reason = decision_reasons.reason
    where decisions.reason <> 'holdout_global' and coalesce(decision_reasons.rule, 6) >= 6

),

people_summed as (

    select
        people.campaign,
        people.customer_id,
        case when count(orders.customer_id) > 0 then 1 else 0 end as bought,
        cast(coalesce(sum(orders.net_amount_reporting), 0) as double) as net_spend
    from people
    left join orders
        on
            people.customer_id = orders.customer_id
            and people.looks_back_to <= orders.ordered_at
    group by people.campaign, people.customer_id

),

campaigns_measured as (

    select
        campaign,
        'converted' as metric,
        count(*) as people,
        avg(cast(bought as double)) as base,
        avg(cast(bought as double)) * (1 - avg(cast(bought as double))) as variance
    from people_summed
    group by campaign

    union all

    select
        campaign,
        'net_spend' as metric,
        count(*) as people,
        avg(net_spend) as base,
        {{ sample_variance('count(*)', 'sum(net_spend)', 'sum(net_spend * net_spend)') }} as variance
    from people_summed
    group by campaign

),

effects as (

    select
        campaigns_measured.campaign,
        campaigns_measured.metric,
        campaigns_measured.people,
        campaigns_measured.base,
        campaigns_timed.outcome_days,
        cast(campaigns_timed.holdout_share as double) as holdout_share,
        case
            when campaigns_measured.variance > 0
                then
                    {{ z_95_and_power_80 }} * sqrt(
                        campaigns_measured.variance / (
                            campaigns_measured.people * cast(campaigns_timed.holdout_share as double)
                            * (1 - cast(campaigns_timed.holdout_share as double))
                        )
                    )
        end as minimum_detectable_effect
    from campaigns_measured
    inner join campaigns_timed
        on campaigns_measured.campaign = campaigns_timed.campaign

)

select
    campaign,
    metric,
    cast(people as bigint) as people,
    outcome_days,
    holdout_share,
    cast(base as double) as base,
    cast(minimum_detectable_effect as double) as minimum_detectable_effect,
    cast(minimum_detectable_effect / nullif(base, 0) as double) as minimum_detectable_share,
    least(people * holdout_share, people * (1 - holdout_share)) >= {{ needs_people_per_arm }} as is_measurable
from effects
