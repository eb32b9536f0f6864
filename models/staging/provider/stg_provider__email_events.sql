with events as (

    select
        message_id,
        provider_id,
        email_normalised,
        event,
        detail,
        occurred_at,
        _loaded_at
    from {{ source('provider', 'email_events') }}
    where _loaded_at < {{ as_of() }}

)

select
    message_id,
    provider_id,
    email_normalised,
    event,
    lower(trim(detail)) as detail,
    occurred_at,
    _loaded_at as loaded_at
from events
