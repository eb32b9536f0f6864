-- All that lift needs to know of an arm: sizes, sums, sums of squares and of products. Sums add up, over arms, days and
-- looks; so every estimate below follows in closed form.
with outcomes as (

    select
        kind,
        experiment,
        arm,
        cast(net_spend as double) as net_spend,
        cast(net_spend_before as double) as net_spend_before,
        holdout_share,
        has_bought,
        has_bought_before,
        is_mature
    from {{ ref('fct_lift_outcomes') }}

),

outcomes_by_metric as (

    select
        kind,
        experiment,
        'converted' as metric,
        arm,
        case when has_bought then cast(1 as double) else cast(0 as double) end as outcome,
        case when has_bought_before then cast(1 as double) else cast(0 as double) end as outcome_before,
        holdout_share,
        has_bought,
        is_mature
    from outcomes

    union all

    select
        kind,
        experiment,
        'net_spend' as metric,
        arm,
        net_spend as outcome,
        net_spend_before as outcome_before,
        holdout_share,
        has_bought,
        is_mature
    from outcomes

)

select
    kind,
    experiment,
    metric,
    arm,
    cast(count(*) as bigint) as people_assigned,
    cast(count(case when is_mature then 1 end) as bigint) as people,
    cast(count(case when is_mature and has_bought then 1 end) as bigint) as buyers,
    -- Where one share is unknown the design is.
    cast(case when count(holdout_share) = count(*) then sum(holdout_share) end as double) as holdouts_designed,
    cast(
        case when count(holdout_share) = count(*) then sum(holdout_share * (1 - holdout_share)) end as double
    ) as holdouts_designed_variance,
    cast(coalesce(sum(case when is_mature then outcome end), 0) as double) as outcome_sum,
    cast(coalesce(sum(case when is_mature then outcome * outcome end), 0) as double) as outcome_squares,
    cast(coalesce(sum(case when is_mature then outcome_before end), 0) as double) as before_sum,
    cast(coalesce(sum(case when is_mature then outcome_before * outcome_before end), 0) as double) as before_squares,
    cast(coalesce(sum(case when is_mature then outcome * outcome_before end), 0) as double) as products_sum
from outcomes_by_metric
group by kind, experiment, metric, arm
