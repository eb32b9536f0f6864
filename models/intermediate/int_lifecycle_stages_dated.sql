-- Every moment at which a stage of a customer's life may begin. It follows from the orders alone: each order opens a
-- chain of stages by the days that pass after it (as the audiences count them, by calendar days), cut off by the next
-- order. The stages of one customer touch and never overlap; neighbours can be of one name.
{%- set new_for_days = 30 %}
{%- set reactivated_for_days = 30 %}
{%- set inactive_after_days = 30 %}
{%- set lapsed_after_days = 60 %}
{%- set lost_after_days = 120 %}

with orders as (

    select
        customer_id,
        ordered_at,
        cast(ordered_at as date) as order_date
    from {{ ref('int_orders_converted') }}

),

customers as (

    select
        customer_id,
        created_at
    from {{ ref('int_customers_merged') }}

),

days_ordered as (

    select
        customer_id,
        order_date,
        min(ordered_at) as ordered_at
    from orders
    group by customer_id, order_date

),

days_compared as (

    select
        customer_id,
        order_date,
        ordered_at,
        lag(order_date) over (partition by customer_id order by order_date asc nulls last) as previous_order_date,
        lead(ordered_at) over (partition by customer_id order by order_date asc nulls last) as next_ordered_at
    from days_ordered

),

-- The first order opens a time as new customer, and one after a lapse a time as reactivated customer.
days_opening as (

    select
        *,
        case
            when previous_order_date is null then 'new'
            when {{ days_between('previous_order_date', 'order_date') }} >= {{ lapsed_after_days }} then 'reactivated'
        end as stage_opened
    from days_compared

),

openings_carried_on as (

    select
        customer_id,
        order_date,
        ordered_at,
        next_ordered_at,
        max(case
            when stage_opened = 'new' then {{ days_after('order_date', new_for_days) }}
            when stage_opened = 'reactivated' then {{ days_after('order_date', reactivated_for_days) }}
        end) over (
            partition by customer_id order by order_date asc nulls last
            rows between unbounded preceding and current row
        ) as opening_until,
        stage_opened
    from days_opening

),

stages_dated as (

    select
        customer_id,
        stage_opened as lifecycle_stage,
        ordered_at as valid_from,
        next_ordered_at
    from openings_carried_on
    where stage_opened is not null

    union all

    select
        customer_id,
        'active' as lifecycle_stage,
        greatest(ordered_at, opening_until) as valid_from,
        next_ordered_at
    from openings_carried_on
    where opening_until < {{ days_after('order_date', inactive_after_days) }}

    union all

    select
        customer_id,
        'inactive' as lifecycle_stage,
        {{ days_after('order_date', inactive_after_days) }} as valid_from,
        next_ordered_at
    from openings_carried_on

    union all

    select
        customer_id,
        'lapsed' as lifecycle_stage,
        {{ days_after('order_date', lapsed_after_days) }} as valid_from,
        next_ordered_at
    from openings_carried_on

    union all

    select
        customer_id,
        'lost' as lifecycle_stage,
        {{ days_after('order_date', lost_after_days + 1) }} as valid_from,
        next_ordered_at
    from openings_carried_on

    union all

    select
        customers.customer_id,
        'prospect' as lifecycle_stage,
        customers.created_at as valid_from,
        days_compared.ordered_at as next_ordered_at
    from customers
    left join days_compared
        on
            customers.customer_id = days_compared.customer_id
            and days_compared.previous_order_date is null

)

select
    customer_id,
    lifecycle_stage,
    valid_from
from stages_dated
where
    valid_from <= {{ as_of() }}
    and (next_ordered_at is null or valid_from < next_ordered_at)
