-- How each job, or audience, stands by the latest word of its platform.
with set_jobs as (

    select
        destination,
        provider_id,
        audience,
        state,
        failed,
        reason,
        occurred_at,
        _loaded_at
    from {{ source('provider', 'set_jobs') }}
    where _loaded_at < {{ as_of() }}

),

jobs_ranked as (

    select
        *,
        row_number() over (
            partition by destination, provider_id, audience
            order by occurred_at desc nulls last, _loaded_at desc nulls last, state asc nulls last
        ) as job_rank
    from set_jobs

)

select
    destination,
    provider_id,
    audience,
    state,
    reason,
    failed as failed_members,
    occurred_at,
    _loaded_at as loaded_at
from jobs_ranked
where job_rank = 1
