with events as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        purpose,
        state,
        basis,
        occurred_at,
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
    basis,
    occurred_at,
    _loaded_at as loaded_at
from events
