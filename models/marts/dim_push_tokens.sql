-- Where an app of the customer can be reached: the token of the device that was seen last.
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

)

select
    customer_id,
    push_token,
    platform,
    seen_at
from tokens_ranked
where token_rank = 1
