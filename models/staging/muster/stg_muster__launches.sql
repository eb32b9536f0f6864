-- When each campaign was first written down, and by whom it is owned: the latest word of it known at as_of.
with launches as (

    select
        campaign,
        owner,
        defined_at,
        _loaded_at,
        row_number() over (
            partition by campaign
            order by _loaded_at desc nulls last, defined_at asc nulls last, owner asc nulls last
        ) as launch_rank
    from {{ source('muster', 'launches') }}
    where _loaded_at < {{ as_of() }}

)

select
    campaign,
    owner,
    defined_at,
    _loaded_at as loaded_at
from launches
where launch_rank = 1
