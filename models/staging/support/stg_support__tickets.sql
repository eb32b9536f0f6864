-- The latest update of each ticket known at as_of.
with tickets as (

    select
        ticket_id,
        profile_id,
        topic,
        severity,
        opened_at,
        closed_at,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('support', 'tickets') }}
    where _loaded_at < {{ as_of() }}

),

updates_ranked as (

    select
        *,
        row_number() over (
            partition by ticket_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last, _loaded_at desc nulls last,
                _source_file desc nulls last,
                opened_at desc nulls last
        ) as update_rank
    from tickets

)

select
    ticket_id,
    profile_id,
    topic,
    severity,
    opened_at,
    closed_at,
    _loaded_at as loaded_at
from updates_ranked
where update_rank = 1
