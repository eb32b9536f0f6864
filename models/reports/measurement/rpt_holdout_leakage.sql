-- Does a holdout hold? One row for each holdout and way to be reached in spite of it, also where nobody was.
with leaks as (

    select
        kind,
        customer_id,
        payload,
        reached_by,
        way,
        payloads,
        first_sent_at
    from {{ ref('fct_holdout_leaks') }}

),

holdouts as (

    select
        kind,
        count(distinct customer_id) as people_held_out
    from {{ ref('int_holdouts_timed') }}
    group by kind

),

ways as (
    {% for kind in ['campaign', 'global'] %}
    {% for payload, way in [('message', 'sent'), ('set', 'sent'), ('set', 'left_in')] %}
    {% for reached_by in ['person', 'identifier'] %}
    select
        '{{ kind }}' as kind,
        '{{ payload }}' as payload,
        '{{ way }}' as way,
        '{{ reached_by }}' as reached_by
    {% if not (kind == 'global' and way == 'left_in' and loop.last) %}
    union all
    {% endif %}
    {% endfor %}
    {% endfor %}
    {% endfor %}
),

leaks_counted as (

    select
        kind,
        payload,
        way,
        reached_by,
        count(distinct customer_id) as people_reached,
        sum(payloads) as payloads,
        min(first_sent_at) as first_sent_at
    from leaks
    group by kind, payload, way, reached_by

)

select
    ways.kind,
    ways.payload,
    ways.way,
    ways.reached_by,
    cast(coalesce(holdouts.people_held_out, 0) as bigint) as people_held_out,
    cast(coalesce(leaks_counted.people_reached, 0) as bigint) as people_reached,
    cast(coalesce(leaks_counted.payloads, 0) as bigint) as payloads,
    cast(
        cast(coalesce(leaks_counted.people_reached, 0) as double) / nullif(holdouts.people_held_out, 0) as double
    ) as share_reached,
    leaks_counted.first_sent_at
from ways
left join holdouts
    on ways.kind = holdouts.kind
left join leaks_counted
    on
        ways.kind = leaks_counted.kind
        and ways.payload = leaks_counted.payload
        and ways.way = leaks_counted.way
        and ways.reached_by = leaks_counted.reached_by
