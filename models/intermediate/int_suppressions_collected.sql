-- Every reason known why an address, a number or a profile must not be contacted, whoever reported it.
-- Complaints, hard bounces and unsubscribes stick; who left one programme (an unsubscribe whose detail is
-- `programme:<campaign>`) stays in the others. A STOP is lifted only by the same number's later START. What a provider
-- dropped for such a reason says that the person is on its own list.
with email_events as (

    select
        message_id,
        email_normalised,
        event,
        detail,
        occurred_at
    from {{ ref('stg_provider__email_events') }}

),

sms_events as (

    select
        phone_e164,
        event,
        occurred_at
    from {{ ref('stg_provider__sms_events') }}
    where phone_e164 is not null

),

manual as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        case when reason in ('legal', 'erased') then reason else 'manual' end as reason,
        added_at
    from {{ ref('stg_suppressions__manual') }}

),

email_opt_outs as (

    select
        message_id,
        email_normalised,
        case
            when event = 'complaint' or (event = 'dropped' and detail = 'complaint') then 'complaint'
            when event = 'unsubscribe' or (event = 'dropped' and detail = 'unsubscribe') then 'unsubscribe'
            else 'hard_bounce'
        end as reason,
        case
            when event = 'unsubscribe' and detail like 'programme:%'
                then nullif(trim(split_part(detail, ':', 2)), '')
        end as campaign,
        occurred_at
    from email_events
    where
        event in ('complaint', 'unsubscribe')
        or (event = 'bounce' and detail = 'hard')
        or (event = 'dropped' and detail in ('complaint', 'unsubscribe', 'hard'))

),

sms_stops as (

    select
        phone_e164,
        max(case when event = 'stop' then occurred_at end) as stopped_at,
        max(case when event = 'start' then occurred_at end) as started_at
    from sms_events
    group by phone_e164

)

select
    'email' as kind,
    email_normalised as contact_point,
    'email' as channel,
    campaign,
    reason,
    occurred_at as suppressed_at
from email_opt_outs
where email_normalised is not null

union all

select
    'message' as kind,
    message_id as contact_point,
    'email' as channel,
    campaign,
    reason,
    occurred_at as suppressed_at
from email_opt_outs
where message_id is not null

union all

select
    'phone' as kind,
    phone_e164 as contact_point,
    'sms' as channel,
    cast(null as string) as campaign,
    'stop' as reason,
    stopped_at as suppressed_at
from sms_stops
where stopped_at is not null and (started_at is null or started_at <= stopped_at)

union all

select
    'profile' as kind,
    profile_id as contact_point,
    channel,
    cast(null as string) as campaign,
    reason,
    added_at as suppressed_at
from manual
where profile_id is not null

union all

select
    'email' as kind,
    email_normalised as contact_point,
    channel,
    cast(null as string) as campaign,
    reason,
    added_at as suppressed_at
from manual
where email_normalised is not null

union all

select
    'phone' as kind,
    phone_e164 as contact_point,
    channel,
    cast(null as string) as campaign,
    reason,
    added_at as suppressed_at
from manual
where phone_e164 is not null
