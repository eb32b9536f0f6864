-- The latest update of each business account known at as_of.
with accounts as (

    select
        account_id,
        name,
        country,
        owner,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('crm', 'accounts') }}
    where _loaded_at < {{ as_of() }}

),

updates_ranked as (

    select
        *,
        row_number() over (
            partition by account_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last, _loaded_at desc nulls last,
                _source_file desc nulls last,
                name asc nulls last
        ) as update_rank
    from accounts

)

select
    account_id,
    nullif(trim(name), '') as account_name,
    upper(nullif(trim(country), '')) as country,
    nullif(trim(owner), '') as owner,
    _loaded_at as loaded_at
from updates_ranked
where update_rank = 1
