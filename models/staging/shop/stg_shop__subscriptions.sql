-- The latest status of each subscription known at as_of.
with subscriptions as (

    select
        subscription_id,
        profile_id,
        plan,
        status,
        started_at,
        ended_at,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('shop', 'subscriptions') }}
    where _loaded_at < {{ as_of() }}

),

statuses_ranked as (

    select
        *,
        row_number() over (
            partition by subscription_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last, _loaded_at desc nulls last,
                _source_file desc nulls last,
                status asc nulls last
        ) as status_rank
    from subscriptions

)

select
    subscription_id,
    profile_id,
    plan,
    status,
    started_at,
    ended_at
from statuses_ranked
where status_rank = 1
