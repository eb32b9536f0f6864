-- Rule 3. Fails where the consent that the channel and purpose ask for is not in force, or where the purpose is not
-- one of the channel's at all; then where the destination asks for consents of its own that are not.
with candidates as (

    select
        candidate_id,
        customer_id,
        channel,
        destination,
        purpose
    from {{ ref('decision_candidates') }}

),

channel_purposes as (

    select
        channel,
        purpose,
        consent_channel,
        consent_purpose,
        consent_rule
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

destinations_denied as (

    select
        destination,
        customer_id
    from {{ ref('decision_destinations_denied') }}

),

candidates_joined as (

    select
        candidates.candidate_id,
        coalesce(
            {{ consent_reason('consents.state', 'channel_purposes.consent_rule') }},
            case when destinations_denied.customer_id is not null then 'no_destination_consent' end
        ) as reason
    from candidates
    left join channel_purposes
        on
            candidates.channel = channel_purposes.channel
            and candidates.purpose = channel_purposes.purpose
    left join consents
        on
            candidates.customer_id = consents.customer_id
            and channel_purposes.consent_channel = consents.channel
            and channel_purposes.consent_purpose = consents.purpose
    left join destinations_denied
        on
            candidates.destination = destinations_denied.destination
            and candidates.customer_id = destinations_denied.customer_id

)

select
    candidate_id,
    reason
from candidates_joined
where reason is not null
