-- How many consents lapse soon, so that people can be asked again before: by channel and purpose, within 30, 60 and 90
-- days. Each window holds the ones before it.
with consents as (

    select
        channel,
        purpose,
        {{ days_between(as_of(), 'expires_at') }} as days_left,
        expires_at
    from {{ ref('dim_consents') }}
    where is_granted

)

select
    channel,
    purpose,
    cast(count(*) as bigint) as consents,
    cast(sum(case when expires_at is null then 1 else 0 end) as bigint) as consents_without_end,
    cast(sum(case when days_left <= 30 then 1 else 0 end) as bigint) as expire_within_30_days,
    cast(sum(case when days_left <= 60 then 1 else 0 end) as bigint) as expire_within_60_days,
    cast(sum(case when days_left <= 90 then 1 else 0 end) as bigint) as expire_within_90_days,
    cast(sum(case when days_left <= 90 then 1 else 0 end) / cast(count(*) as double) as decimal(9, 6))
        as share_within_90_days,
    min(expires_at) as next_expires_at
from consents
group by channel, purpose
