-- The latest stage of each deal known at as_of.
with opportunities as (

    select
        opportunity_id,
        account_id,
        stage,
        amount,
        currency,
        opened_at,
        closed_at,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('crm', 'opportunities') }}
    where _loaded_at < {{ as_of() }}

),

stages_ranked as (

    select
        *,
        row_number() over (
            partition by opportunity_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last,
                _loaded_at desc nulls last,
                _source_file desc nulls last,
                closed_at desc nulls last,
                stage asc nulls last
        ) as stage_rank
    from opportunities

)

select
    opportunity_id,
    account_id,
    lower(trim(stage)) as stage,
    upper(nullif(trim(currency), '')) as currency,
    cast(amount as decimal(18, 4)) as amount,
    opened_at,
    closed_at,
    _loaded_at as loaded_at
from stages_ranked
where stage_rank = 1
