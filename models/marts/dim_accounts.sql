{%- set roles_named = 5 %}

with accounts as (

    select
        account_id,
        account_name,
        country,
        owner
    from {{ ref('stg_crm__accounts') }}

),

people as (

    select
        account_id,
        customer_id,
        role,
        last_touch_at
    from {{ ref('dim_account_people') }}

),

opportunities as (

    select
        opportunity_id,
        account_id,
        stage,
        age_days,
        amount_reporting,
        is_open,
        opened_at
    from {{ ref('fct_opportunities') }}

),

tickets as (

    select customer_id
    from {{ ref('fct_tickets') }}
    where is_open

),

orders as (

    select
        customer_id,
        net_amount_reporting
    from {{ ref('int_orders_converted') }}
    where ordered_at >= {{ days_before(as_of(), 365) }}

),

people_counted as (

    select
        account_id,
        cast(count(*) as int) as people_count,
        max(last_touch_at) as last_touch_at
    from people
    group by account_id

),

roles_ranked as (

    select
        account_id,
        role,
        row_number() over (
            partition by account_id
            order by count(*) desc nulls last, role asc nulls last
        ) as role_rank
    from people
    where role is not null
    group by account_id, role

),

roles_listed as (

    select
        account_id,
        concat_ws(
            ', '
            {%- for rank in range(1, roles_named + 1) %},
            max(case when role_rank = {{ rank }} then role end)
            {%- endfor %}
        ) as roles
    from roles_ranked
    group by account_id

),

opportunities_summed as (

    select
        account_id,
        cast(sum(case when is_open then 1 else 0 end) as int) as open_opportunity_count,
        cast(sum(case when is_open then amount_reporting end) as decimal(18, 4)) as open_amount,
        max(case when is_open then age_days end) as oldest_open_opportunity_days,
        max_by(stage, cast(opened_at as string) || '|' || opportunity_id) as last_stage
    from opportunities
    group by account_id

),

tickets_counted as (

    select
        people.account_id,
        cast(count(*) as int) as open_ticket_count
    from people
    inner join tickets
        on people.customer_id = tickets.customer_id
    group by people.account_id

),

orders_summed as (

    select
        people.account_id,
        cast(sum(orders.net_amount_reporting) as decimal(18, 4)) as net_revenue_365_days
    from people
    inner join orders
        on people.customer_id = orders.customer_id
    group by people.account_id

)

select
    accounts.account_id,
    accounts.account_name,
    accounts.country,
    accounts.owner,
    roles_listed.roles,
    opportunities_summed.last_stage,
    coalesce(people_counted.people_count, 0) as people_count,
    coalesce(opportunities_summed.open_opportunity_count, 0) as open_opportunity_count,
    opportunities_summed.oldest_open_opportunity_days,
    coalesce(tickets_counted.open_ticket_count, 0) as open_ticket_count,
    coalesce(opportunities_summed.open_amount, cast(0 as decimal(18, 4))) as open_amount,
    coalesce(orders_summed.net_revenue_365_days, cast(0 as decimal(18, 4))) as net_revenue_365_days,
    people_counted.last_touch_at
from accounts
left join people_counted
    on accounts.account_id = people_counted.account_id
left join roles_listed
    on accounts.account_id = roles_listed.account_id
left join opportunities_summed
    on accounts.account_id = opportunities_summed.account_id
left join tickets_counted
    on accounts.account_id = tickets_counted.account_id
left join orders_summed
    on accounts.account_id = orders_summed.account_id
