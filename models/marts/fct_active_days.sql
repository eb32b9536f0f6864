-- Every day on which a customer did anything with us, and what was bought on it. What makes a purchase and what makes
-- an activity is decided here, for all cohorts.
with orders as (

    select
        customer_id,
        status,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

orders_cancelled as (

    select
        profile_id,
        ordered_at
    from {{ ref('stg_shop__orders') }}
    where status = 'cancelled' and ordered_at < {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

refunds as (

    select
        customer_id,
        refunded_at
    from {{ ref('fct_refunds') }}

),

tickets as (

    select
        customer_id,
        opened_at
    from {{ ref('fct_tickets') }}

),

web_events as (

    select
        customer_id,
        occurred_at
    from {{ ref('fct_web_events') }}
    where customer_id is not null

),

-- Opens are left out: mail programs open by themselves.
clicks as (

    select
        customer_id,
        first_occurred_at
    from {{ ref('fct_engagement') }}
    where event = 'click'

),

feedback as (

    select
        customer_id,
        submitted_at
    from {{ ref('fct_feedback') }}

),

activities as (

    select
        customer_id,
        case when status <> 'returned' then 1 else 0 end as purchases,
        case when status <> 'returned' then net_amount_reporting else cast(0 as decimal(18, 4)) end as net_amount,
        ordered_at as occurred_at
    from orders

    union all

    select
        profiles_mapped.customer_id,
        0 as purchases,
        cast(0 as decimal(18, 4)) as net_amount,
        orders_cancelled.ordered_at as occurred_at
    from orders_cancelled
    inner join profiles_mapped
        on orders_cancelled.profile_id = profiles_mapped.profile_id
    {%- for activity, moment in {
        'refunds': 'refunded_at',
        'tickets': 'opened_at',
        'web_events': 'occurred_at',
        'clicks': 'first_occurred_at',
        'feedback': 'submitted_at',
    }.items() %}

    union all

    select
        customer_id,
        0 as purchases,
        cast(0 as decimal(18, 4)) as net_amount,
        {{ moment }} as occurred_at
    from {{ activity }}
    {%- endfor %}

)

select
    customer_id,
    cast(count(*) as int) as activity_count,
    cast(sum(purchases) as int) as purchase_count,
    cast(sum(net_amount) as decimal(18, 4)) as net_revenue,
    cast(occurred_at as date) as activity_date
from activities
group by customer_id, cast(occurred_at as date)
