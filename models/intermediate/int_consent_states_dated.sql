-- Every moment at which a consent came to be granted, withdrawn or expired. A grant that lapses before anything else
-- happens opens a state of its own; a withdrawal that is dated ahead holds from now.
with consent_events as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        occurred_at,
        least(occurred_at, {{ as_of() }}) as counts_from,
        expires_at
    from {{ ref('int_consent_events_mapped') }}

),

events_in_order as (

    select
        *,
        lead(counts_from) over (
            partition by customer_id, channel, purpose
            order by occurred_at asc nulls last
        ) as next_counts_from
    from consent_events

),

events_with_effect as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        counts_from,
        expires_at,
        next_counts_from
    from events_in_order
    where next_counts_from is null or next_counts_from > counts_from

)

select
    customer_id,
    channel,
    purpose,
    case when expires_at <= counts_from then 'expired' else state end as state,
    basis,
    proof,
    counts_from as valid_from
from events_with_effect

union all

select
    customer_id,
    channel,
    purpose,
    'expired' as state,
    basis,
    proof,
    expires_at as valid_from
from events_with_effect
where
    expires_at > counts_from
    and expires_at <= {{ as_of() }}
    and (next_counts_from is null or expires_at < next_counts_from)
