-- The consent in force per customer, channel and purpose: the latest event of any profile decides; of events
-- at the same moment the withdrawal does. No row means that nothing was ever granted.
with consent_events as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        purpose,
        state,
        occurred_at
    from {{ ref('stg_consent__events') }}

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}

),

-- An event counts for every customer that its profile, address or number points to.
events_keyed as (

    select
        'profile' as kind,
        profile_id as contact_point,
        channel,
        purpose,
        state,
        occurred_at
    from consent_events
    where profile_id is not null

    union all

    select
        'email' as kind,
        email_normalised as contact_point,
        channel,
        purpose,
        state,
        occurred_at
    from consent_events
    where email_normalised is not null

    union all

    select
        'phone' as kind,
        phone_e164 as contact_point,
        channel,
        purpose,
        state,
        occurred_at
    from consent_events
    where phone_e164 is not null

),

events_ranked as (

    select
        contact_points.customer_id,
        events_keyed.channel,
        events_keyed.purpose,
        events_keyed.state,
        events_keyed.occurred_at,
        row_number() over (
            partition by contact_points.customer_id, events_keyed.channel, events_keyed.purpose
            order by events_keyed.occurred_at desc nulls last, events_keyed.state desc nulls last
        ) as event_rank
    from events_keyed
    inner join contact_points
        on
            events_keyed.kind = contact_points.kind
            and events_keyed.contact_point = contact_points.contact_point

)

select
    customer_id,
    channel,
    purpose,
    state,
    occurred_at
from events_ranked
where event_rank = 1
