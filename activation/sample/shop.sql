-- Products, orders and lines are the real ones; refunds and subscriptions are synthetic.

-- shop.products
select
    cast(product_id as varchar) as product_id,
    product_type as name,
    product_category as category,
    cast(null as decimal(18, 4)) as price,
    cast(null as decimal(18, 4)) as cost,
    'USD' as currency,
    timestamp '2017-01-01 01:00:00' as _loaded_at
from products
order by products.product_id

-- shop.orders
-- Discounts are positive in the data. `sales_value` is what the shop got, manufacturers' coupons included: gross is
-- the list price, gross less discount is what the household paid. Times carry no zone and count as UTC, so the last
-- evening of 2017 reaches into 2018.
select
    cast(baskets.basket_id as varchar) as order_id,
    -- Of a household with two profiles, some baskets belong to the second.
    case
        when households.has_duplicate and baskets.ordered_at > households.created_at + interval 31 day
            and chance('profile' || baskets.basket_id) < 0.3
            then households.id || '-shop'
        else households.id
    end as profile_id,
    baskets.ordered_at,
    'completed' as status,
    'USD' as currency,
    cast(baskets.gross_amount as decimal(18, 4)) as gross_amount,
    cast(baskets.discount_amount as decimal(18, 4)) as discount_amount,
    baskets.loaded_at as _loaded_at
from baskets
inner join households on baskets.household_id = households.household_id
order by baskets.ordered_at, baskets.basket_id

-- shop.order_lines
-- A quantity of 0 is in the data (8,869 lines: coupons, services) and has no unit price. Fuel is counted in units of
-- a fraction of a gallon, thousands on a line: add up money, not units.
select
    cast(transactions.basket_id as varchar) as order_id,
    cast(row_number() over (
        partition by transactions.basket_id order by transactions.product_id
    ) as int) as line_number,
    cast(transactions.product_id as varchar) as product_id,
    cast(transactions.quantity as decimal(18, 4)) as quantity,
    cast(
        (transactions.sales_value + transactions.retail_disc + transactions.coupon_match_disc)
        / nullif(transactions.quantity, 0) as decimal(18, 4)
    ) as unit_price,
    baskets.loaded_at as _loaded_at
from transactions
inner join baskets on transactions.basket_id = baskets.basket_id
order by baskets.ordered_at, transactions.basket_id, line_number

-- shop.refunds
select
    'refund-' || basket_id as refund_id,
    cast(basket_id as varchar) as order_id,
    refunded_at,
    cast(round(paid * case when chance('partial' || basket_id) < 0.4 then 0.5 else 1 end, 2) as decimal(18, 4))
        as amount,
    'USD' as currency,
    pick(['damaged', 'wrong item', 'not as described', 'changed mind'], 'reason' || basket_id) as reason,
    known_at(refunded_at) + to_days(case when chance('late_refund' || basket_id) < 0.1 then 4 else 0 end)
        as _loaded_at
from (
    select
        basket_id,
        gross_amount - discount_amount as paid,
        ordered_at + to_hours(4 + cast(floor(chance('refunded' || basket_id) * 700) as int)) as refunded_at
    from (select *, count(*) over (partition by household_id) as basket_count from baskets) as counted
    -- A few of those who seldom buy send back four baskets of ten.
    where gross_amount - discount_amount > 1 and chance('refund' || basket_id) < case
        when basket_count between 5 and 30 and chance('sends_back' || household_id) < 0.03 then 0.4 else 0.015
    end
)
order by refunded_at, basket_id

-- shop.subscriptions
with started as (
    select
        id,
        between_times(greatest(created_at, timestamp '2017-01-01'), timestamp '2017-11-01', 'subscribed' || id)
            as started_at
    from households
    where created_at < timestamp '2017-11-01' and chance('subscription' || id) < 0.3
),

statuses as (
    select id, 'active' as status, started_at, cast(null as timestamp) as ended_at
    from started
    union all
    select id, 'ended', started_at,
        between_times(started_at + interval 14 day, timestamp '2018-01-01', 'unsubscribed' || id)
    from started
    where chance('ended' || id) < 0.3
)

select
    'sub-' || id as subscription_id,
    id as profile_id,
    pick(['delivery_monthly', 'delivery_yearly', 'coffee_box'], 'plan' || id) as plan,
    status,
    started_at,
    ended_at,
    known_at(coalesce(ended_at, started_at)) as _loaded_at
from statuses
order by _loaded_at, subscription_id
