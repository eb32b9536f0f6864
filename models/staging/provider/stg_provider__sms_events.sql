with events as (

    select
        message_id,
        provider_id,
        phone_e164,
        event,
        detail,
        occurred_at,
        _loaded_at
    from {{ source('provider', 'sms_events') }}
    where _loaded_at < {{ as_of() }}

)

select
    message_id,
    provider_id,
    phone_e164,
    event,
    lower(trim(detail)) as detail,
    occurred_at,
    _loaded_at as loaded_at
from events
