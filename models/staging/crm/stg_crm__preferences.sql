-- Each change of a preference known at as_of, once.
with preferences as (

    select
        profile_id,
        lower(trim(preference)) as preference,
        nullif(trim(value), '') as preference_value,
        changed_at,
        _loaded_at,
        _source_file
    from {{ source('crm', 'preferences') }}
    where _loaded_at < {{ as_of() }}

),

changes_ranked as (

    select
        *,
        row_number() over (
            partition by profile_id, preference, changed_at
            order by _loaded_at desc nulls last, _source_file desc nulls last, preference_value asc nulls last
        ) as change_rank
    from preferences

)

select
    profile_id,
    preference,
    preference_value,
    changed_at,
    _loaded_at as loaded_at
from changes_ranked
where change_rank = 1
