-- The buying group: who belongs to a business account by any of their profiles, in which role, and when the person was
-- last in touch with us of their own accord. What we sent does not count, until it is opened.
with profiles as (

    select
        profile_id,
        account_id,
        occupation,
        updated_at
    from {{ ref('int_profiles_cleaned') }}
    where account_id is not null

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

orders as (

    select
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}

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

),

engagement as (

    select
        customer_id,
        last_occurred_at
    from {{ ref('fct_engagement') }}
    where event in ('open', 'click')

),

people_ranked as (

    select
        profiles.account_id,
        profiles_mapped.customer_id,
        profiles.occupation,
        row_number() over (
            partition by profiles.account_id, profiles_mapped.customer_id
            order by
                case when profiles.occupation is null then 1 else 0 end asc nulls last,
                profiles.updated_at desc nulls last,
                profiles.profile_id asc nulls last
        ) as profile_rank
    from profiles
    inner join profiles_mapped
        on profiles.profile_id = profiles_mapped.profile_id

),

people as (

    select
        account_id,
        customer_id,
        occupation
    from people_ranked
    where profile_rank = 1

),

touches as (

    select
        customer_id,
        'order' as touch,
        ordered_at as touched_at
    from orders

    union all

    select
        customer_id,
        'ticket' as touch,
        opened_at as touched_at
    from tickets

    union all

    select
        customer_id,
        'web' as touch,
        occurred_at as touched_at
    from web_events

    union all

    select
        customer_id,
        'engagement' as touch,
        last_occurred_at as touched_at
    from engagement

),

touches_ranked as (

    select
        people.account_id,
        people.customer_id,
        touches.touch,
        touches.touched_at,
        row_number() over (
            partition by people.account_id, people.customer_id
            order by touches.touched_at desc nulls last, touches.touch asc nulls last
        ) as touch_rank
    from people
    inner join touches
        on people.customer_id = touches.customer_id

)

select
    people.account_id,
    people.customer_id,
    people.occupation as role,
    touches_ranked.touch as last_touch,
    touches_ranked.touched_at as last_touch_at
from people
left join touches_ranked
    on
        people.account_id = touches_ranked.account_id
        and people.customer_id = touches_ranked.customer_id
        and touches_ranked.touch_rank = 1
