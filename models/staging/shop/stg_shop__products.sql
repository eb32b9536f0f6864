-- The latest update of each product known at as_of.
with products as (

    select
        product_id,
        name,
        category,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('shop', 'products') }}
    where _loaded_at < {{ as_of() }}

),

updates_ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by
                coalesce(updated_at, _loaded_at) desc nulls last, _loaded_at desc nulls last,
                _source_file desc nulls last,
                name asc nulls last
        ) as update_rank
    from products

)

select
    product_id,
    name as product_name,
    category as product_category
from updates_ranked
where update_rank = 1
