-- Each consent given or withdrawn, for every customer it counts for: through a profile, an address or a number. Of
-- events at the same moment the one that allows least: a withdrawal, then the grant that lapses first.
with consent_events as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        purpose,
        state,
        basis,
        proof,
        occurred_at,
        expires_at
    from {{ ref('stg_consent__events') }}
    -- A grant counts from the moment that it states; a withdrawal as soon as it is known, even if dated ahead.
    where state = 'withdrawn' or occurred_at <= {{ as_of() }}

),

consent_terms as (

    select
        channel,
        purpose,
        basis,
        valid_days
    from {{ ref('consent_terms') }}

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}

),

events_limited as (

    select
        consent_events.profile_id,
        consent_events.email_normalised,
        consent_events.phone_e164,
        consent_events.channel,
        consent_events.purpose,
        consent_events.state,
        consent_events.basis,
        consent_events.proof,
        consent_events.occurred_at,
        case
            when consent_events.state = 'granted' then coalesce(
                consent_events.expires_at,
                {{ days_after('consent_events.occurred_at', 'consent_terms.valid_days') }}
            )
        end as expires_at
    from consent_events
    left join consent_terms
        on
            consent_events.channel = consent_terms.channel
            and consent_events.purpose = consent_terms.purpose
            and consent_events.basis = consent_terms.basis

),

events_keyed as (
    {%- for kind, column in {'profile': 'profile_id', 'email': 'email_normalised', 'phone': 'phone_e164'}.items() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        '{{ kind }}' as kind,
        {{ column }} as contact_point,
        channel,
        purpose,
        state,
        basis,
        proof,
        occurred_at,
        expires_at
    from events_limited
    where {{ column }} is not null
    {%- endfor %}

),

events_ranked as (

    select
        contact_points.customer_id,
        events_keyed.channel,
        events_keyed.purpose,
        events_keyed.state,
        events_keyed.basis,
        events_keyed.proof,
        events_keyed.occurred_at,
        events_keyed.expires_at,
        row_number() over (
            partition by
                contact_points.customer_id, events_keyed.channel, events_keyed.purpose, events_keyed.occurred_at
            order by
                events_keyed.state desc nulls last,
                events_keyed.expires_at asc nulls last,
                events_keyed.basis asc nulls last,
                events_keyed.proof asc nulls last
        ) as moment_rank
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
    basis,
    proof,
    occurred_at,
    expires_at
from events_ranked
where moment_rank = 1
