{#- The quantile of the normal for 95 % on both sides, and that of 80 % on one. -#}
{%- set z_95 = 1.959963984540054 %}
{%- set z_power_80 = 0.8416212335729143 %}
{%- set may_ever_err = 0.05 %}
{%- set needs_people_per_arm = 100 %}
{%- set needs_buyers_per_arm = 20 %}
{#- The interval that may always be looked at is tightest once the holdout has so many people; 8.78 is
    -2 ln(0.05) + ln(-2 ln(0.05)) + 1 (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024). -#}
{%- set tuned_to_people = 500 %}
{%- set tuning = 8.78 %}
{#- Chi square of one degree of freedom at p = 0.001: the square of the normal's 99.95 % quantile, 3.2905267. -#}
{%- set sample_ratio_limit = 10.827566 %}

-- What each campaign brought: who was to be treated against who was held out, whether they got it or not. The verdict
-- rests on the interval that may be looked at every day; the 95 % intervals are right for whoever looks once.
with differences as (

    select
        kind,
        experiment,
        metric,
        treated_people_assigned,
        holdout_people_assigned,
        treated_people,
        holdout_people,
        buyers_in_smaller,
        holdouts_designed,
        sample_ratio_chi_square,
        treated_sum,
        holdout_sum,
        treated_mean,
        holdout_mean,
        difference,
        difference_variance,
        difference_degrees,
        adjusted_difference,
        adjusted_variance,
        adjusted_degrees
    from {{ ref('fct_lift_differences') }}

),

differences_judged as (

    select
        *,
        least(treated_people, holdout_people) >= {{ needs_people_per_arm }}
        and buyers_in_smaller >= {{ needs_buyers_per_arm }}
        and difference_variance > 0 and adjusted_variance > 0 as is_large_enough,
        coalesce(sample_ratio_chi_square > {{ sample_ratio_limit }}, false) as is_sample_ratio_mismatched,
        case
            when metric = 'converted'
                then
                    {{ added_variance('treated_sum', 'treated_people') }}
                    + {{ added_variance('holdout_sum', 'holdout_people') }}
            else difference_variance
        end as careful_variance
    from differences

),

widths as (

    select
        *,
        {{ student_t_quantile(z_95, 'difference_degrees') }} * sqrt(difference_variance) as half_width,
        {{ student_t_quantile(z_95, 'adjusted_degrees') }} * sqrt(adjusted_variance) as adjusted_half_width,
        careful_variance * {{ tuning / tuned_to_people }} * holdout_people as mixing_variance
    from differences_judged
    where is_large_enough

),

intervals as (

    select
        kind,
        experiment,
        metric,
        case
            when metric = 'converted'
                then {{ newcombe_bound('treated_sum', 'treated_people', 'holdout_sum', 'holdout_people', z_95, -1) }}
            else difference - half_width
        end as difference_low,
        case
            when metric = 'converted'
                then {{ newcombe_bound('treated_sum', 'treated_people', 'holdout_sum', 'holdout_people', z_95, 1) }}
            else difference + half_width
        end as difference_high,
        adjusted_difference - adjusted_half_width as adjusted_low,
        adjusted_difference + adjusted_half_width as adjusted_high,
        difference - {{ sequential_half_width('careful_variance', 'mixing_variance', may_ever_err) }} as always_low,
        difference + {{ sequential_half_width('careful_variance', 'mixing_variance', may_ever_err) }} as always_high,
        {{ z_95 + z_power_80 }} * sqrt(difference_variance) as minimum_detectable_effect
    from widths

)

select
    differences_judged.kind,
    differences_judged.experiment,
    differences_judged.metric,
    case
        when differences_judged.is_sample_ratio_mismatched or intervals.experiment is null then 'cannot tell'
        when intervals.always_low > 0 then 'lifts'
        when intervals.always_high < 0 then 'harms'
        else 'no difference shown'
    end as verdict,
    case
        when differences_judged.is_sample_ratio_mismatched
            then
                cast(differences_judged.holdout_people_assigned as string) || ' people are held out where '
                || cast(cast(round(differences_judged.holdouts_designed) as bigint) as string)
                || ' were designed to be: chance does not do that, look for what drops people from one arm'
        when intervals.experiment is null
            then
                'each arm needs {{ needs_people_per_arm }} people whose window has passed and'
                || ' {{ needs_buyers_per_arm }} buyers; there are '
                || cast(differences_judged.treated_people as string) || ' treated and '
                || cast(differences_judged.holdout_people as string) || ' held out, with at least '
                || cast(differences_judged.buyers_in_smaller as string) || ' buyers in each'
    end as explanation,
    differences_judged.treated_people,
    differences_judged.holdout_people,
    differences_judged.treated_people_assigned + differences_judged.holdout_people_assigned
    - differences_judged.treated_people - differences_judged.holdout_people as people_awaited,
    case when intervals.experiment is not null then differences_judged.treated_mean end as treated_mean,
    case when intervals.experiment is not null then differences_judged.holdout_mean end as holdout_mean,
    case when intervals.experiment is not null then differences_judged.difference end as difference,
    cast(intervals.difference_low as double) as difference_low,
    cast(intervals.difference_high as double) as difference_high,
    case when intervals.experiment is not null then differences_judged.adjusted_difference end as adjusted_difference,
    cast(intervals.adjusted_low as double) as adjusted_low,
    cast(intervals.adjusted_high as double) as adjusted_high,
    cast(intervals.always_low as double) as always_valid_low,
    cast(intervals.always_high as double) as always_valid_high,
    cast(intervals.minimum_detectable_effect as double) as minimum_detectable_effect,
    differences_judged.sample_ratio_chi_square,
    cast({{ sample_ratio_limit }} as double) as sample_ratio_limit,
    differences_judged.is_sample_ratio_mismatched
from differences_judged
left join intervals
    on
        differences_judged.kind = intervals.kind
        and differences_judged.experiment = intervals.experiment
        and differences_judged.metric = intervals.metric
