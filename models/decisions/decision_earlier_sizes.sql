{%- set like_days_looked_at = 8 %}
{%- set like_days_needed = 3 %}

-- What size of its audience is usual for each campaign: the median of its last days of the same weekday; where there
-- are too few, the run before. A day is its latest run; the day of this run does not count, so that no run repeated on
-- one day is compared with itself. Runs that were held count: one bad day in eight does not move a median.
with campaign_sizes as (

    select
        campaign,
        run_rank,
        people_eligible,
        max_drop_share,
        as_of
    from {{ ref('stg_ledger__campaign_sizes') }}

),

days as (

    select
        campaign,
        people_eligible,
        as_of,
        row_number() over (
            partition by campaign, cast(as_of as date) order by run_rank asc nulls last
        ) as rank_of_day
    from campaign_sizes
    where
        cast(as_of as date) < cast({{ as_of() }} as date)
        and {{ days_between(week_start('as_of'), 'as_of') }} = {{ days_between(week_start(as_of()), as_of()) }}

),

like_days as (

    select
        campaign,
        people_eligible,
        row_number() over (partition by campaign order by as_of desc nulls last) as like_rank
    from days
    where rank_of_day = 1

),

medians as (

    select
        campaign,
        cast(median(cast(people_eligible as double)) as double) as usual_people,
        count(*) as like_days
    from like_days
    where like_rank <= {{ like_days_looked_at }}
    group by campaign
    having count(*) >= {{ like_days_needed }}

),

runs_before as (

    select
        campaign,
        people_eligible,
        max_drop_share
    from campaign_sizes
    where run_rank = 1

)

select
    runs_before.campaign,
    coalesce(
        'the median of the last ' || cast(medians.like_days as string) || ' days of the same weekday', 'the run before'
    ) as compared_with,
    coalesce(medians.usual_people, cast(runs_before.people_eligible as double)) as usual_people,
    runs_before.max_drop_share
from runs_before
left join medians
    on runs_before.campaign = medians.campaign
