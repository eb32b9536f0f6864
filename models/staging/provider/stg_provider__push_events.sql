with events as (

    select
        message_id,
        provider_id,
        push_token,
        event,
        detail,
        occurred_at,
        _loaded_at
    from {{ source('provider', 'push_events') }}
    where _loaded_at < {{ as_of() }}

)

select
    message_id,
    provider_id,
    push_token,
    event,
    lower(trim(detail)) as detail,
    occurred_at,
    _loaded_at as loaded_at
from events
