-- Where an app of the customer can be reached: the token of the device that was seen last, of those whose service has
-- not said since that the token is gone.
with devices as (

    select
        device_id,
        profile_id,
        push_token,
        platform,
        seen_at
    from {{ ref('stg_crm__devices') }}
    where push_token is not null and seen_at < {{ as_of() }}

),

tokens_gone as (

    select
        push_token,
        max(occurred_at) as gone_at
    from {{ ref('stg_provider__push_events') }}
    where event = 'unregistered' and push_token is not null
    group by push_token

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

tokens_ranked as (

    select
        profiles_mapped.customer_id,
        devices.push_token,
        devices.platform,
        devices.seen_at,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by devices.seen_at desc nulls last, devices.device_id asc nulls last
        ) as token_rank
    from devices
    inner join profiles_mapped
        on devices.profile_id = profiles_mapped.profile_id
    left join tokens_gone
        on devices.push_token = tokens_gone.push_token
    where tokens_gone.gone_at is null or tokens_gone.gone_at < devices.seen_at

)

select
    customer_id,
    push_token,
    platform,
    seen_at
from tokens_ranked
where token_rank = 1
