-- Which definition of each audience and campaign each run found.
with definitions as (

    select
        run_id,
        model,
        kind,
        checksum,
        git_commit,
        people,
        as_of,
        frozen_at,
        row_number() over (
            partition by run_id, model
            order by _loaded_at desc nulls last, _source_file desc nulls last
        ) as landing_rank
    from {{ source('muster', 'definitions') }}
    where _loaded_at < cast('{{ run_value("known_until") }}' as timestamp)

)

select
    run_id,
    model,
    kind,
    checksum,
    git_commit,
    people,
    as_of,
    frozen_at
from definitions
where landing_rank = 1
