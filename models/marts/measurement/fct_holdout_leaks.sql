{%- set days_to_take_back = 2 %}

-- Who was held out and yet reached: one row for each person, holdout, campaign that reached them and way in which.
-- A set that somebody was in before gets two days to let go of them.
with holdouts as (

    select
        kind,
        campaign,
        customer_id,
        purpose,
        held_from,
        held_until
    from {{ ref('int_holdouts_timed') }}

),

payloads as (

    select
        payload,
        campaign,
        customer_id,
        email,
        phone,
        purpose,
        sent_at,
        there_until
    from {{ ref('int_payloads_sent') }}

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}
    where kind in ('email', 'phone')

),

-- Whom a payload reached: the one whom it was meant for, and everybody who has an address that it bore.
people_reached as (

    select
        payload,
        'person' as reached_by,
        campaign,
        customer_id,
        purpose,
        sent_at,
        there_until
    from payloads

    {% for kind in ['email', 'phone'] %}
    union all

    select
        payloads.payload,
        'identifier' as reached_by,
        payloads.campaign,
        contact_points.customer_id,
        payloads.purpose,
        payloads.sent_at,
        payloads.there_until
    from payloads
    inner join contact_points
        on
            contact_points.kind = '{{ kind }}'
            and payloads.{{ kind }} = contact_points.contact_point
            and payloads.customer_id <> contact_points.customer_id
    {% endfor %}

),

-- The purpose of a campaign that decided nothing is unknown: then the doubt is told as a leak.
leaks as (

    select
        holdouts.kind,
        people_reached.campaign,
        holdouts.customer_id,
        people_reached.payload,
        people_reached.reached_by,
        case when people_reached.sent_at >= holdouts.held_from then 'sent' else 'left_in' end as way,
        people_reached.sent_at
    from holdouts
    inner join people_reached
        on
            holdouts.customer_id = people_reached.customer_id
            and (
                (holdouts.kind = 'campaign' and holdouts.campaign = people_reached.campaign)
                or (
                    holdouts.kind = 'global'
                    and coalesce(people_reached.purpose, holdouts.purpose) = holdouts.purpose
                )
            )
    where
        (people_reached.sent_at >= holdouts.held_from and people_reached.sent_at < holdouts.held_until)
        or (
            people_reached.payload = 'set'
            and people_reached.sent_at < holdouts.held_from
            and {{ days_after('holdouts.held_from', days_to_take_back) }}
            < coalesce(people_reached.there_until, {{ as_of() }})
        )

)

select
    kind,
    campaign,
    customer_id,
    payload,
    reached_by,
    way,
    cast(count(*) as bigint) as payloads,
    min(sent_at) as first_sent_at
from leaks
group by kind, campaign, customer_id, payload, reached_by, way
