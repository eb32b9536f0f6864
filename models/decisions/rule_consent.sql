-- Rule 3. Fails where the consent that the channel and purpose ask for is not in force, or where the purpose is not
-- one of the channel's at all.
with candidates as (

    select
        candidate_id,
        customer_id,
        channel,
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

candidates_joined as (

    select
        candidates.candidate_id,
        {{ consent_reason('consents.state', 'channel_purposes.consent_rule') }} as reason
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

)

select
    candidate_id,
    reason
from candidates_joined
where reason is not null
