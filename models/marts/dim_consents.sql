with consents as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        occurred_at,
        expires_at
    from {{ ref('int_consents_resolved') }}

)

select
    customer_id,
    channel,
    purpose,
    state,
    basis,
    proof,
    state = 'granted' as is_granted,
    occurred_at,
    expires_at
from consents
