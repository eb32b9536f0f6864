-- What tells that a business account may be leaving, beside the one person to talk to about it: of those who belong to
-- this account before any other, whoever was in touch last.
{%- set window_days = 30 %}

with accounts as (

    select
        account_id,
        last_touch_at
    from {{ ref('dim_accounts') }}

),

people as (

    select
        account_id,
        customer_id,
        last_touch_at
    from {{ ref('dim_account_people') }}

),

customers as (

    select
        customer_id,
        account_id
    from {{ ref('dim_customers') }}

),

orders as (

    select
        customer_id,
        ordered_at >= {{ days_before(as_of(), window_days) }} as is_recent
    from {{ ref('fct_orders') }}
    where ordered_at >= {{ days_before(as_of(), 2 * window_days) }}

),

tickets as (

    select customer_id
    from {{ ref('fct_tickets') }}
    where is_open and lower(severity) = 'high'

),

contacts_ranked as (

    select
        people.account_id,
        people.customer_id,
        row_number() over (
            partition by people.account_id
            order by people.last_touch_at desc nulls last, people.customer_id asc nulls last
        ) as contact_rank
    from people
    inner join customers
        on
            people.customer_id = customers.customer_id
            and people.account_id = customers.account_id

),

orders_counted as (

    select
        people.account_id,
        cast(sum(case when orders.is_recent then 1 else 0 end) as int) as order_count_30_days,
        cast(sum(case when orders.is_recent then 0 else 1 end) as int) as order_count_30_days_before
    from people
    inner join orders
        on people.customer_id = orders.customer_id
    group by people.account_id

),

tickets_counted as (

    select
        people.account_id,
        cast(count(*) as int) as open_high_ticket_count
    from people
    inner join tickets
        on people.customer_id = tickets.customer_id
    group by people.account_id

)

select
    accounts.account_id,
    contacts_ranked.customer_id,
    coalesce(orders_counted.order_count_30_days, 0) as order_count_30_days,
    coalesce(orders_counted.order_count_30_days_before, 0) as order_count_30_days_before,
    coalesce(tickets_counted.open_high_ticket_count, 0) as open_high_ticket_count,
    accounts.last_touch_at
from accounts
inner join contacts_ranked
    on
        accounts.account_id = contacts_ranked.account_id
        and contacts_ranked.contact_rank = 1
left join orders_counted
    on accounts.account_id = orders_counted.account_id
left join tickets_counted
    on accounts.account_id = tickets_counted.account_id
