with subscriptions as (

    select
        subscription_id,
        profile_id,
        plan,
        status,
        started_at,
        ended_at,
        coalesce(ended_at <= {{ as_of() }}, false) as has_ended
    from {{ ref('stg_shop__subscriptions') }}
    where started_at <= {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    subscriptions.subscription_id,
    profiles_mapped.customer_id,
    subscriptions.plan,
    subscriptions.status,
    {{ days_between(
        'subscriptions.started_at',
        'case when subscriptions.has_ended then subscriptions.ended_at else ' ~ as_of() ~ ' end'
    ) }} as days_open,
    subscriptions.status = 'active' and not subscriptions.has_ended as is_active,
    subscriptions.started_at,
    subscriptions.ended_at
from subscriptions
inner join profiles_mapped
    on subscriptions.profile_id = profiles_mapped.profile_id
