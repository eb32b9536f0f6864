with events as (

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
        expires_at,
        _loaded_at
    from {{ source('consent', 'events') }}
    where _loaded_at < {{ as_of() }}

)

select
    profile_id,
    email_normalised,
    phone_e164,
    lower(trim(channel)) as channel,
    lower(trim(purpose)) as purpose,
    state,
    nullif(lower(trim(basis)), '') as basis,
    nullif(trim(proof), '') as proof,
    occurred_at,
    expires_at,
    _loaded_at as loaded_at
from events
