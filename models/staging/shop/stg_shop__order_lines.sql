-- The latest version of each order line known at as_of.
with order_lines as (

    select
        order_id,
        line_number,
        product_id,
        quantity,
        unit_price,
        _loaded_at
    from {{ source('shop', 'order_lines') }}
    where _loaded_at < {{ as_of() }}

)

select
    order_id,
    line_number,
    max_by(product_id, _loaded_at) as product_id,
    cast(max_by(quantity, _loaded_at) as decimal(18, 4)) as quantity,
    cast(max_by(unit_price, _loaded_at) as decimal(18, 4)) as unit_price
from order_lines
group by order_id, line_number
