{#- The normal's 97.5 % and 80 % quantiles, added: found in four of five cases, with one false alarm in 20. -#}
{%- set z_95_and_power_80 = 2.801585218 %}
{#- As lift itself needs: see rpt_lift. -#}
{%- set needs_people_per_arm = 100 %}

-- Before a campaign goes out: what effect would its holdout show at all? From the people of this run, what is to be
-- expected of people who have been quiet for as long, and the share who are held out. What the people themselves bought
-- before would not do: a campaign that wins back chooses those who bought nothing.
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

customers as (

    select
        customer_id,
        last_ordered_at
    from {{ ref('dim_customers') }}

),

outcomes as (

    select
        outcome_days,
        weeks_quiet,
        metric,
        mean_outcome,
        mean_squared_outcome
    from {{ ref('int_quiet_weeks_outcomes_summed') }}

),

metrics as (

    select 'converted' as metric
    union all
    select 'net_spend' as metric

),

campaigns_timed as (

    select
        campaign_sizes.campaign,
        cast(campaign_sizes.holdout_share as double) as holdout_share,
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
        campaigns_timed.holdout_share,
        campaigns_timed.outcome_days,
        decisions.customer_id
    from campaigns_timed
    inner join decisions
        on campaigns_timed.campaign = decisions.campaign
    left join decision_reasons
        on decisions.reason = decision_reasons.reason
    where decisions.reason <> 'holdout_global' and coalesce(decision_reasons.rule, 6) >= 6

),

campaigns_expected as (

    select
        people.campaign,
        metrics.metric,
        people.holdout_share,
        people.outcome_days,
        count(*) as people,
        cast(ceil({{ needs_people_per_arm }} / least(people.holdout_share, 1 - people.holdout_share)) as bigint)
            as people_needed,
        avg(outcomes.mean_outcome) as base,
        avg(outcomes.mean_squared_outcome) - avg(outcomes.mean_outcome) * avg(outcomes.mean_outcome) as variance
    from people
    cross join metrics
    left join customers
        on people.customer_id = customers.customer_id
    left join outcomes
        on
            people.outcome_days = outcomes.outcome_days
            and {{ weeks_quiet('customers.last_ordered_at', as_of()) }} = outcomes.weeks_quiet
            and metrics.metric = outcomes.metric
    group by people.campaign, metrics.metric, people.holdout_share, people.outcome_days

),

effects as (

    select
        *,
        case
            when variance > 0
                then
                    {{ z_95_and_power_80 }}
                    * sqrt(variance / (greatest(people, people_needed) * holdout_share * (1 - holdout_share)))
        end as minimum_detectable_effect
    from campaigns_expected

)

select
    campaign,
    metric,
    cast(people as bigint) as people,
    greatest(people, people_needed) as people_counted,
    outcome_days,
    holdout_share,
    cast(base as double) as base,
    cast(minimum_detectable_effect as double) as minimum_detectable_effect,
    cast(minimum_detectable_effect / nullif(base, 0) as double) as minimum_detectable_share,
    people >= people_needed as is_measurable
from effects
