-- What became of each campaign of each run, as it was when it was looked at last before this build.
with runs as (

    select
        run_id,
        campaign,
        verdict,
        requests,
        people_planned,
        people_waiting,
        people_accepted,
        people_refused,
        people_in_doubt,
        people_excluded,
        people_expired,
        people_held,
        as_of,
        requested_at,
        frozen_at,
        answered_at,
        row_number() over (
            partition by run_id, campaign
            order by _loaded_at desc nulls last, _source_file desc nulls last
        ) as landing_rank
    from {{ source('muster', 'runs') }}
    where _loaded_at < cast('{{ run_value("known_until") }}' as timestamp)

)

select
    run_id,
    campaign,
    verdict,
    requests,
    people_planned,
    people_waiting,
    people_accepted,
    people_refused,
    people_in_doubt,
    people_excluded,
    people_expired,
    people_held,
    as_of,
    requested_at,
    frozen_at,
    answered_at
from runs
where landing_rank = 1
