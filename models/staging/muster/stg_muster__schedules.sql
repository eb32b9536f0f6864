-- On which weekdays each campaign is due, as its exposure said when it was landed last before this build.
with schedules as (

    select
        campaign,
        schedule,
        weekday,
        _loaded_at,
        max(_loaded_at) over () as last_loaded_at
    from {{ source('muster', 'schedules') }}
    where _loaded_at < cast('{{ run_value("known_until") }}' as timestamp)

)

select
    campaign,
    schedule,
    weekday
from schedules
where _loaded_at = last_loaded_at
