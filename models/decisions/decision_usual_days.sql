{%- set like_days_looked_at = 8 %}
{%- set like_days_needed = 3 %}
{#- Times the median absolute deviation, this is the standard deviation where things are normal. -#}
{%- set deviation_by_mad = 1.4826 %}

-- What is usual of everything that is watched: the median of the last days of the same weekday; where there are too
-- few, the day before. One bad day in eight does not move a median, and days without a run are passed over.
with observations as (

    select
        measure,
        subject,
        value,
        is_present,
        observed_date
    from {{ ref('decision_observations') }}

),

days_before as (

    select
        presents.measure,
        presents.subject,
        earlier.value,
        earlier.observed_date < presents.observed_date
        and {{ days_between(week_start('earlier.observed_date'), 'earlier.observed_date') }}
        = {{ days_between(week_start('presents.observed_date'), 'presents.observed_date') }} as is_like_day,
        earlier.observed_date
    from observations as presents
    inner join observations as earlier
        on
            presents.measure = earlier.measure
            and presents.subject = earlier.subject
            and not earlier.is_present
            and presents.observed_date >= earlier.observed_date
    where presents.is_present

),

days_ranked as (

    select
        measure,
        subject,
        value,
        is_like_day,
        row_number() over (partition by measure, subject order by observed_date desc nulls last) as rank_of_all,
        row_number() over (
            partition by measure, subject, is_like_day order by observed_date desc nulls last
        ) as rank_of_kind
    from days_before

),

medians as (

    select
        measure,
        subject,
        median(value) as usual,
        count(*) as like_days
    from days_ranked
    where is_like_day and rank_of_kind <= {{ like_days_looked_at }}
    group by measure, subject
    having count(*) >= {{ like_days_needed }}

),

deviations as (

    select
        days_ranked.measure,
        days_ranked.subject,
        {{ deviation_by_mad }} * median(abs(days_ranked.value - medians.usual)) as deviation
    from days_ranked
    inner join medians
        on
            days_ranked.measure = medians.measure
            and days_ranked.subject = medians.subject
    where days_ranked.is_like_day and days_ranked.rank_of_kind <= {{ like_days_looked_at }}
    group by days_ranked.measure, days_ranked.subject

)

select
    presents.measure,
    presents.subject,
    case
        when medians.like_days is not null
            then 'the median of the last ' || cast(medians.like_days as string) || ' days of the same weekday'
        when presents.measure in ('audience_size', 'send_volume') then 'the run before'
        else 'the day before'
    end as compared_with,
    cast(coalesce(medians.like_days, 0) as bigint) as like_days,
    presents.value as measured,
    cast(coalesce(medians.usual, last_days.value) as double) as usual,
    cast(deviations.deviation as double) as deviation,
    presents.observed_date
from observations as presents
left join medians
    on
        presents.measure = medians.measure
        and presents.subject = medians.subject
left join deviations
    on
        presents.measure = deviations.measure
        and presents.subject = deviations.subject
left join days_ranked as last_days
    on
        presents.measure = last_days.measure
        and presents.subject = last_days.subject
        and last_days.rank_of_all = 1
where presents.is_present
