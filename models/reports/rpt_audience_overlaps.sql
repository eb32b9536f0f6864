{%- set duplicate_from_jaccard = '0.95' %}
{%- set overlapping_from_jaccard = '0.50' %}
{%- set overlapping_from_containment = '0.90' %}

-- How much any two audiences share, at the latest frozen run known.
with members as (

    select
        audience,
        customer_id,
        as_of
    from {{ ref('stg_ledger__audiences') }}
    where run_rank = 1

),

audiences_counted as (

    select
        audience,
        max(as_of) as as_of,
        count(*) as people
    from members
    group by audience

),

shared_counted as (

    select
        members.audience,
        others.audience as other_audience,
        count(*) as shared_people
    from members
    inner join members as others
        on members.customer_id = others.customer_id
    where members.audience < others.audience
    group by members.audience, others.audience

),

pairs_measured as (

    select
        audiences_counted.audience,
        others.audience as other_audience,
        audiences_counted.people,
        others.people as other_people,
        coalesce(shared_counted.shared_people, 0) as shared_people,
        coalesce(shared_counted.shared_people, 0)
        / cast(audiences_counted.people + others.people - coalesce(shared_counted.shared_people, 0) as double)
            as jaccard,
        coalesce(shared_counted.shared_people, 0)
        / cast(least(audiences_counted.people, others.people) as double) as containment,
        audiences_counted.as_of
    from audiences_counted
    inner join audiences_counted as others
        on audiences_counted.audience < others.audience
    left join shared_counted
        on
            audiences_counted.audience = shared_counted.audience
            and others.audience = shared_counted.other_audience

)

select
    audience,
    other_audience,
    cast(people as bigint) as people,
    cast(other_people as bigint) as other_people,
    cast(shared_people as bigint) as shared_people,
    cast(jaccard as decimal(9, 6)) as jaccard,
    cast(containment as decimal(9, 6)) as containment,
    jaccard >= {{ duplicate_from_jaccard }} as is_duplicate,
    jaccard >= {{ overlapping_from_jaccard }}
    or containment >= {{ overlapping_from_containment }} as is_overlapping,
    as_of
from pairs_measured
