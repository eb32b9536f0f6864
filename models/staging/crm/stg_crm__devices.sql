-- Each sight of a device with a profile known at as_of, once.
with devices as (

    select
        device_id,
        profile_id,
        push_token,
        platform,
        seen_at,
        _loaded_at,
        _source_file
    from {{ source('crm', 'devices') }}
    where _loaded_at < {{ as_of() }}

),

sights_ranked as (

    select
        *,
        row_number() over (
            partition by device_id, profile_id, seen_at
            order by _loaded_at desc nulls last, _source_file desc nulls last, push_token asc nulls last
        ) as sight_rank
    from devices

)

select
    device_id,
    profile_id,
    nullif(trim(push_token), '') as push_token,
    platform,
    seen_at,
    _loaded_at as loaded_at
from sights_ranked
where sight_rank = 1
