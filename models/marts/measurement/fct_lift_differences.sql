{%- set arms = ['treated', 'holdout'] %}

-- The difference between the arms of each experiment and metric with its variance: plain, and adjusted by what the same
-- people did before (CUPED: Deng, Xu, Kohavi and Walker, WSDM 2013), with one slope for both arms.
with statistics as (

    select
        kind,
        experiment,
        metric,
        arm,
        people_assigned,
        people,
        buyers,
        holdouts_designed,
        holdouts_designed_variance,
        outcome_sum,
        before_sum,
        cast(people as double) as size,
        {{ sample_variance('people', 'outcome_sum', 'outcome_squares') }} as outcome_variance,
        {{ sample_variance('people', 'before_sum', 'before_squares') }} as before_variance,
        {{ sample_covariance('people', 'outcome_sum', 'before_sum', 'products_sum') }} as covariance
    from {{ ref('fct_lift_statistics') }}

),

arms_beside_each_other as (

    select
        kind,
        experiment,
        metric,
        {% for arm in arms %}
        {% for column in ['people_assigned', 'people', 'buyers'] %}
        coalesce(max(case when arm = '{{ arm }}' then {{ column }} end), 0) as {{ arm }}_{{ column }},
        {% endfor %}
        {% for column in ['outcome_sum', 'outcome_variance', 'before_variance', 'covariance'] %}
        max(case when arm = '{{ arm }}' then {{ column }} end) as {{ arm }}_{{ column }},
        {% endfor %}
        max(case when arm = '{{ arm }}' then size end) as {{ arm }}_size,
        max(case when arm = '{{ arm }}' then outcome_sum / nullif(size, 0) end) as {{ arm }}_mean,
        max(case when arm = '{{ arm }}' then before_sum / nullif(size, 0) end) as {{ arm }}_before_mean,
        {% endfor %}
        case when count(holdouts_designed) = count(*) then sum(holdouts_designed) end as holdouts_designed,
        sum(holdouts_designed_variance) as holdouts_designed_variance,
        sum((size - 1) * covariance) / nullif(sum((size - 1) * before_variance), 0) as slope
    from statistics
    group by kind, experiment, metric

),

arms_adjusted as (

    select
        *,
        {% for arm in arms %}
        {{ arm }}_outcome_variance / nullif({{ arm }}_size, 0) as {{ arm }}_mean_variance,
        greatest(
            {{ arm }}_outcome_variance
            + coalesce(slope, 0) * (coalesce(slope, 0) * {{ arm }}_before_variance - 2 * {{ arm }}_covariance), 0
        ) / nullif({{ arm }}_size, 0) as {{ arm }}_adjusted_variance,
        {% endfor %}
        treated_mean - holdout_mean as difference,
        treated_mean - holdout_mean
        - coalesce(slope, 0) * (treated_before_mean - holdout_before_mean) as adjusted_difference
    from arms_beside_each_other

)

select
    kind,
    experiment,
    metric,
    cast(treated_people_assigned as bigint) as treated_people_assigned,
    cast(holdout_people_assigned as bigint) as holdout_people_assigned,
    cast(treated_people as bigint) as treated_people,
    cast(holdout_people as bigint) as holdout_people,
    cast(least(treated_buyers, holdout_buyers) as bigint) as buyers_in_smaller,
    cast(holdouts_designed as double) as holdouts_designed,
    cast(
        power(holdout_people_assigned - holdouts_designed, 2) / nullif(holdouts_designed_variance, 0) as double
    ) as sample_ratio_chi_square,
    cast(treated_outcome_sum as double) as treated_sum,
    cast(holdout_outcome_sum as double) as holdout_sum,
    cast(treated_mean as double) as treated_mean,
    cast(holdout_mean as double) as holdout_mean,
    cast(difference as double) as difference,
    cast(treated_mean_variance + holdout_mean_variance as double) as difference_variance,
    cast(
        {{ welch_degrees('treated_mean_variance', 'treated_size', 'holdout_mean_variance', 'holdout_size') }} as double
    ) as difference_degrees,
    cast(adjusted_difference as double) as adjusted_difference,
    cast(treated_adjusted_variance + holdout_adjusted_variance as double) as adjusted_variance,
    cast(
        {{ welch_degrees('treated_adjusted_variance', 'treated_size', 'holdout_adjusted_variance', 'holdout_size') }}
        as double
    ) as adjusted_degrees
from arms_adjusted
