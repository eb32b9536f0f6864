-- The consent in force and the last state of its history come from the same events by two ways. Where they differ, one
-- of them would contact somebody that the other says has withdrawn.
with consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('dim_consents') }}

),

consent_changes as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('fct_consent_changes') }}
    where is_current

)

select
    consents.state,
    consent_changes.state as state_in_history
from consents
full outer join consent_changes
    on
        consents.customer_id = consent_changes.customer_id
        and consents.channel = consent_changes.channel
        and consents.purpose = consent_changes.purpose
where
    consents.state is null
    or consent_changes.state is null
    or consents.state <> consent_changes.state
