-- The consent in force per customer, channel and purpose: the latest event of any profile decides, until it lapses.
-- No row means that nothing was ever granted.
with consent_events as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        occurred_at,
        expires_at
    from {{ ref('int_consent_events_mapped') }}

),

events_ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, channel, purpose
            order by occurred_at desc nulls last
        ) as event_rank
    from consent_events

)

select
    customer_id,
    channel,
    purpose,
    case when expires_at <= {{ as_of() }} then 'expired' else state end as state,
    basis,
    proof,
    occurred_at,
    expires_at
from events_ranked
where event_rank = 1
