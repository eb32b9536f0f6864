-- The latest version of each refund known at as_of.
with refunds as (

    select
        refund_id,
        order_id,
        reason,
        currency,
        amount,
        refunded_at,
        _loaded_at,
        _source_file
    from {{ source('shop', 'refunds') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by refund_id
            order by _loaded_at desc nulls last, _source_file desc nulls last, amount desc nulls last
        ) as version_rank,
        min(_loaded_at) over (partition by refund_id) as first_loaded_at
    from refunds

)

select
    refund_id,
    order_id,
    reason,
    upper(nullif(trim(currency), '')) as currency,
    cast(amount as decimal(18, 4)) as amount,
    refunded_at,
    first_loaded_at,
    _loaded_at as loaded_at
from versions_ranked
where version_rank = 1
