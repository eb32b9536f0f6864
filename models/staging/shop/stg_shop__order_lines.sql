-- The latest version of each order line known at as_of.
with order_lines as (

    select
        order_id,
        line_number,
        product_id,
        quantity,
        unit_price,
        _loaded_at,
        _source_file
    from {{ source('shop', 'order_lines') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by order_id, line_number
            order by
                _loaded_at desc nulls last,
                _source_file desc nulls last,
                product_id asc nulls last,
                quantity desc nulls last,
                unit_price desc nulls last
        ) as version_rank
    from order_lines

)

select
    order_id,
    line_number,
    product_id,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(unit_price as decimal(18, 4)) as unit_price
from versions_ranked
where version_rank = 1
