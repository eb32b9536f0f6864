-- Who, of those a frozen run is about to contact, may no longer be contacted at the delivery clock. The same
-- models as in the build, compiled for DuckDB and frozen with the run; only the clock and the map of profiles
-- to customers come from outside. `frozen_outbox` is the frozen outbox of the run.
with outbox as (

    select
        kind,
        position,
        campaign,
        customer_id,
        channel,
        destination,
        purpose,
        operation,
        excludes_recent_purchasers
    from frozen_outbox

),

channel_purposes as (

    select
        channel,
        purpose,
        consent_channel,
        consent_purpose,
        consent_rule,
        is_contact
    from {{ ref('channel_purposes') }}

),

consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('int_consents_resolved') }}

),

destination_consents as (

    select
        destination,
        consent_channel,
        consent_purpose
    from {{ ref('destination_consents') }}

),

suppressions as (

    select
        customer_id,
        channel,
        campaign,
        reason
    from {{ ref('int_suppressions_resolved') }}

),

-- Where the person lives does not matter any more: who was asked must not have taken it back, and nobody can have
-- lost what was never given.
destinations_denied as (

    select distinct
        destination_consents.destination,
        consents.customer_id
    from consents
    inner join destination_consents
        on
            consents.channel = destination_consents.consent_channel
            and consents.purpose = destination_consents.consent_purpose
    where consents.state <> 'granted'

),

recent_purchasers as (

    select customer_id
    from {{ ref('aud_recent_purchasers') }}

),

rows_checked as (

    select
        outbox.kind,
        outbox.position,
        coalesce(
            {{ consent_reason('consents.state', 'channel_purposes.consent_rule') }},
            case when destinations_denied.customer_id is not null then 'no_destination_consent' end,
            'suppressed_' || suppressions.reason,
            case
                when outbox.excludes_recent_purchasers and recent_purchasers.customer_id is not null
                    then 'recent_purchase'
            end
        ) as reason
    from outbox
    left join channel_purposes
        on
            outbox.channel = channel_purposes.channel
            and outbox.purpose = channel_purposes.purpose
    left join consents
        on
            outbox.customer_id = consents.customer_id
            and channel_purposes.consent_channel = consents.channel
            and channel_purposes.consent_purpose = consents.purpose
    left join suppressions
        on
            channel_purposes.is_contact
            and outbox.customer_id = suppressions.customer_id
            and suppressions.channel in (coalesce(channel_purposes.consent_channel, outbox.channel), 'all')
            and coalesce(suppressions.campaign, outbox.campaign) = outbox.campaign
    left join destinations_denied
        on
            outbox.destination = destinations_denied.destination
            and outbox.customer_id = destinations_denied.customer_id
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
