with placements as (

    select
        message_id,
        provider_id,
        email,
        event,
        detail,
        occurred_at,
        _loaded_at
    from {{ source('provider', 'inbox_placement') }}
    where _loaded_at < {{ as_of() }}

)

select
    message_id,
    provider_id,
    lower(trim(email)) as seed_address,
    event as placement,
    lower(trim(detail)) as mailbox_provider,
    occurred_at,
    _loaded_at as loaded_at
from placements
