-- Whose device it is, from when until when: what an unknown visitor did there belongs to whoever signed in last; what
-- happened shortly before the first sign-in belongs to the one who then signed in. A device of many customers is
-- nobody's.
{%- set stitched_back_days = 30 %}
{%- set stitched_forward_days = 180 %}
{%- set shared_device_from_customers = 6 %}

with devices as (

    select
        device_id,
        profile_id,
        seen_at
    from {{ ref('stg_crm__devices') }}
    where profile_id is not null and seen_at < {{ as_of() }}

),

web_events as (

    select
        device_id,
        profile_id,
        occurred_at
    from {{ ref('stg_web__events') }}
    where profile_id is not null and device_id is not null and occurred_at < {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

sign_ins as (

    select
        device_id,
        profile_id,
        seen_at as signed_in_at
    from devices

    union

    select
        device_id,
        profile_id,
        occurred_at as signed_in_at
    from web_events

),

sign_ins_mapped as (

    select
        sign_ins.device_id,
        sign_ins.signed_in_at,
        profiles_mapped.customer_id
    from sign_ins
    inner join profiles_mapped
        on sign_ins.profile_id = profiles_mapped.profile_id

),

devices_of_few as (

    select device_id
    from sign_ins_mapped
    group by device_id
    having count(distinct customer_id) < {{ shared_device_from_customers }}

),

-- Of several customers at one moment, one.
sign_ins_told_apart as (

    select
        sign_ins_mapped.device_id,
        sign_ins_mapped.signed_in_at,
        min(sign_ins_mapped.customer_id) as customer_id
    from sign_ins_mapped
    inner join devices_of_few
        on sign_ins_mapped.device_id = devices_of_few.device_id
    group by sign_ins_mapped.device_id, sign_ins_mapped.signed_in_at

),

sign_ins_in_order as (

    select
        device_id,
        customer_id,
        signed_in_at,
        lag(signed_in_at) over (partition by device_id order by signed_in_at asc nulls last) as signed_in_before_at,
        lead(signed_in_at) over (partition by device_id order by signed_in_at asc nulls last) as signed_in_next_at
    from sign_ins_told_apart

)

select
    device_id,
    customer_id,
    case
        when signed_in_before_at is null then {{ days_before('signed_in_at', stitched_back_days) }}
        else signed_in_at
    end as stitched_from,
    least(
        coalesce(signed_in_next_at, {{ days_after('signed_in_at', stitched_forward_days) }}),
        {{ days_after('signed_in_at', stitched_forward_days) }}
    ) as stitched_until
from sign_ins_in_order
