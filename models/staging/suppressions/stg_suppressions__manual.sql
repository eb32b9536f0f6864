with suppressions as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        reason,
        added_at,
        _loaded_at
    from {{ source('suppressions', 'manual') }}
    where _loaded_at < {{ as_of() }}

)

select
    profile_id,
    email_normalised,
    phone_e164,
    channel,
    lower(trim(reason)) as reason,
    added_at,
    _loaded_at as loaded_at
from suppressions
