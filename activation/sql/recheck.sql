-- Who, of those a frozen run is about to contact, may no longer be contacted at the delivery clock. The same
-- models as in the build, compiled for DuckDB and frozen with the run; only the clock and the map of profiles
-- to customers come from outside. `frozen_outbox` is the frozen outbox of the run.
with outbox as (

    select
        kind,
        position,
        customer_id,
        channel,
        purpose,
        operation,
        excludes_recent_purchasers
    from frozen_outbox

),

consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('int_consents_resolved') }}

),

suppressions as (

    select
        customer_id,
        channel,
        reason
    from {{ ref('int_suppressions_resolved') }}

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

rows_checked as (

    select
        outbox.kind,
        outbox.position,
        case
            when consents.state is null then 'no_consent'
            when consents.state = 'expired' then 'consent_expired'
            when consents.state <> 'granted' then 'consent_withdrawn'
            when suppressions.reason is not null then 'suppressed_' || suppressions.reason
            when outbox.excludes_recent_purchasers and recent_purchasers.customer_id is not null
                then 'recent_purchase'
        end as reason
    from outbox
    left join consents
        on
            outbox.customer_id = consents.customer_id
            and outbox.channel = consents.channel
            and outbox.purpose = consents.purpose
    left join suppressions
        on
            outbox.customer_id = suppressions.customer_id
            and suppressions.channel in (outbox.channel, 'all')
    left join recent_purchasers
        on outbox.customer_id = recent_purchasers.customer_id
    where outbox.operation <> 'remove'

)

select
    kind,
    position,
    min(reason) as reason
from rows_checked
where reason is not null
group by kind, position
