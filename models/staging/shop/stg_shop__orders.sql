-- The latest status of each order known at as_of.
with orders as (

    select
        order_id,
        profile_id,
        status,
        currency,
        gross_amount,
        discount_amount,
        ordered_at,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('shop', 'orders') }}
    where _loaded_at < {{ as_of() }}

),

statuses_ranked as (

    select
        *,
        row_number() over (
            partition by order_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last, _loaded_at desc nulls last,
                _source_file desc nulls last,
                status asc nulls last
        ) as status_rank,
        min(_loaded_at) over (partition by order_id) as first_loaded_at
    from orders

)

select
    order_id,
    profile_id,
    status,
    upper(trim(currency)) as currency,
    cast(gross_amount as decimal(18, 4)) as gross_amount,
    cast(coalesce(discount_amount, 0) as decimal(18, 4)) as discount_amount,
    ordered_at,
    first_loaded_at,
    _loaded_at as loaded_at
from statuses_ranked
where status_rank = 1
