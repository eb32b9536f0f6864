-- Rule 3. Fails where no consent for the channel and purpose is in force. Unknown means no, and so does lapsed.
with candidates as (

    select
        message_id,
        customer_id,
        channel,
        purpose
    from {{ ref('decision_candidates') }}

),

consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('int_consents_resolved') }}

)

select
    candidates.message_id,
    case consents.state
        when 'withdrawn' then 'consent_withdrawn'
        when 'expired' then 'consent_expired'
        else 'no_consent'
    end as reason
from candidates
left join consents
    on
        candidates.customer_id = consents.customer_id
        and candidates.channel = consents.channel
        and candidates.purpose = consents.purpose
where consents.state is null or consents.state <> 'granted'
