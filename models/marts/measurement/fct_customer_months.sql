-- Where each customer stood at the beginning and at the end of each calendar month, and what they bought in it. A
-- customer is in the base from the first order until they lapse; the stages are those of fct_lifecycle_changes.
{%- set base_stages = "('new', 'active', 'inactive', 'reactivated')" %}
{%- set gone_stages = "('lapsed', 'lost')" %}

with lifecycle_changes as (

    select
        customer_id,
        lifecycle_stage,
        valid_from,
        coalesce(valid_to, {{ days_after(as_of(), 1) }}) as valid_to
    from {{ ref('fct_lifecycle_changes') }}

),

orders as (

    select
        customer_id,
        net_amount_reporting,
        {{ month_start('ordered_at') }} as order_month,
        row_number() over (partition by customer_id order by ordered_at asc nulls last, order_id asc nulls last)
            as order_number
    from {{ ref('int_orders_converted') }}
    where status <> 'returned'

),

first_months as (

    select cast({{ dbt.date_trunc('month', 'min(valid_from)') }} as date) as first_month
    from lifecycle_changes
    where lifecycle_stage <> 'prospect'

),

-- More than enough: a hundred years.
months as (

    select
        cast({{ dbt.dateadd('month', 'numbers.month_number', 'first_months.first_month') }} as date) as calendar_month,
        cast({{ dbt.dateadd('month', 'numbers.month_number', 'first_months.first_month') }} as timestamp)
            as month_starts_at,
        cast({{ dbt.dateadd('month', 'numbers.month_number + 1', 'first_months.first_month') }} as timestamp)
            as month_ends_at
    from first_months
    cross join range(0, 1200) as numbers (month_number)
    where {{ dbt.datediff('first_months.first_month', as_of(), 'month') }} >= numbers.month_number

),

months_bounded as (

    select
        calendar_month,
        month_starts_at,
        least(month_ends_at, {{ as_of() }}) as observed_until,
        month_ends_at <= {{ as_of() }} as is_complete
    from months

),

stages as (

    select
        lifecycle_changes.customer_id,
        months_bounded.calendar_month,
        months_bounded.is_complete,
        max(case
            when
                lifecycle_changes.valid_from <= months_bounded.month_starts_at
                and lifecycle_changes.valid_to > months_bounded.month_starts_at
                then lifecycle_changes.lifecycle_stage
        end) as stage_at_start,
        max(case
            when
                lifecycle_changes.valid_from <= months_bounded.observed_until
                and lifecycle_changes.valid_to > months_bounded.observed_until
                then lifecycle_changes.lifecycle_stage
        end) as stage_at_end
    from lifecycle_changes
    inner join months_bounded
        on
            lifecycle_changes.valid_from <= months_bounded.observed_until
            and lifecycle_changes.valid_to >= months_bounded.month_starts_at
    group by lifecycle_changes.customer_id, months_bounded.calendar_month, months_bounded.is_complete

),

purchases as (

    select
        customer_id,
        order_month,
        cast(count(*) as int) as purchase_count,
        max(order_number) as last_order_number,
        cast(sum(net_amount_reporting) as decimal(18, 4)) as net_revenue
    from orders
    group by customer_id, order_month

)

select
    stages.customer_id,
    stages.stage_at_start,
    stages.stage_at_end,
    coalesce(purchases.purchase_count, 0) as purchase_count,
    coalesce(purchases.net_revenue, cast(0 as decimal(18, 4))) as net_revenue,
    coalesce(purchases.last_order_number > 1, false) as is_repeat_buyer,
    coalesce(stages.stage_at_start in {{ base_stages }}, false) as is_base_at_start,
    coalesce(stages.stage_at_end in {{ base_stages }}, false) as is_base_at_end,
    coalesce(stages.stage_at_start in {{ gone_stages }}, false) as is_gone_at_start,
    stages.is_complete,
    stages.calendar_month
from stages
left join purchases
    on
        stages.customer_id = purchases.customer_id
        and stages.calendar_month = purchases.order_month
