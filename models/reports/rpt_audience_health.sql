{%- set looks_at_runs = 4 %}
{%- set flapping_above_share = '0.10' %}

-- How each audience is doing: its size, who came and went since the run before, and who comes and goes for ever.
with uses as (

    select
        audience,
        campaign
    from {{ ref('rpt_audience_uses') }}

),

members as (

    select
        audience,
        customer_id,
        run_rank,
        as_of
    from {{ ref('stg_ledger__audiences') }}

),

audiences_used as (

    select
        audience,
        count(campaign) as campaign_count
    from uses
    group by audience

),

runs_counted as (

    select
        coalesce(max(run_rank), 0) as run_count,
        max(as_of) as as_of
    from members

),

-- Somebody who was in, out and in again has a gap between the first and the last run with them.
people_followed as (

    select
        audience,
        customer_id,
        min(run_rank) = 1 as is_member,
        max(case when run_rank = 2 then 1 else 0 end) = 1 as was_member,
        max(run_rank) - min(run_rank) + 1 > count(*) as has_gap
    from members
    where run_rank <= {{ looks_at_runs }}
    group by audience, customer_id

),

people_counted as (

    select
        audience,
        sum(case when is_member then 1 else 0 end) as people,
        sum(case when was_member then 1 else 0 end) as people_before,
        sum(case when is_member and not was_member then 1 else 0 end) as people_entered,
        sum(case when was_member and not is_member then 1 else 0 end) as people_left,
        sum(case when has_gap then 1 else 0 end) as people_flapping,
        count(*) as people_seen
    from people_followed
    group by audience

),

sizes_counted as (

    select
        audience,
        run_rank,
        count(*) as people
    from members
    group by audience, run_rank

),

runs as (

    select distinct run_rank
    from members

),

sizes_compared as (

    select
        audiences_used.audience,
        min(coalesce(sizes_counted.people, 0)) as smallest_people,
        max(coalesce(sizes_counted.people, 0)) as largest_people
    from audiences_used
    cross join runs
    left join sizes_counted
        on
            audiences_used.audience = sizes_counted.audience
            and runs.run_rank = sizes_counted.run_rank
    group by audiences_used.audience

)

select
    audiences_used.audience,
    cast(audiences_used.campaign_count as bigint) as campaign_count,
    cast(runs_counted.run_count as int) as run_count,
    cast(coalesce(people_counted.people, 0) as bigint) as people,
    cast(case when runs_counted.run_count >= 2 then coalesce(people_counted.people_before, 0) end as bigint)
        as people_before,
    cast(sizes_compared.smallest_people as bigint) as smallest_people,
    cast(sizes_compared.largest_people as bigint) as largest_people,
    cast(
        case when runs_counted.run_count >= 2 then people_counted.people_entered end
        / cast(nullif(people_counted.people, 0) as double) as decimal(9, 6)
    ) as entered_share,
    cast(people_counted.people_left / cast(nullif(people_counted.people_before, 0) as double) as decimal(9, 6))
        as left_share,
    cast(people_counted.people_flapping / cast(people_counted.people_seen as double) as decimal(9, 6))
        as flapping_share,
    audiences_used.campaign_count = 0 as is_unused,
    runs_counted.run_count > 0 and coalesce(people_counted.people, 0) = 0 as is_empty,
    coalesce(people_counted.people_flapping / cast(people_counted.people_seen as double), 0)
    > {{ flapping_above_share }} as is_flapping,
    runs_counted.as_of
from audiences_used
cross join runs_counted
left join people_counted
    on audiences_used.audience = people_counted.audience
left join sizes_compared
    on audiences_used.audience = sizes_compared.audience
