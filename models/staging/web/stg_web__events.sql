-- Each browse, cart or app event known at as_of, once: an event that is sent again changes nothing.
with events as (

    select
        event_id,
        profile_id,
        device_id,
        event_type,
        url,
        product_id,
        occurred_at,
        _loaded_at,
        _source_file
    from {{ source('web', 'events') }}
    where _loaded_at < {{ as_of() }}

),

copies_ranked as (

    select
        *,
        row_number() over (
            partition by event_id
            order by _loaded_at asc nulls last, _source_file asc nulls last, occurred_at asc nulls last
        ) as copy_rank
    from events

)

select
    event_id,
    profile_id,
    device_id,
    lower(trim(event_type)) as event_type,
    nullif(trim(url), '') as url,
    product_id,
    occurred_at,
    _loaded_at as loaded_at
from copies_ranked
where copy_rank = 1
