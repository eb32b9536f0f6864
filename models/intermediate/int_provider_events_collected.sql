-- What providers reported of any channel, in one set of words, and every report once.
with email_events as (

    select
        message_id,
        provider_id,
        email_normalised,
        event,
        detail,
        occurred_at
    from {{ ref('stg_provider__email_events') }}
    where event in ('delivered', 'open', 'click', 'bounce', 'complaint', 'unsubscribe')

),

sms_events as (

    select
        message_id,
        provider_id,
        phone_e164,
        event,
        occurred_at
    from {{ ref('stg_provider__sms_events') }}
    where event in ('delivered', 'click', 'undelivered', 'failed', 'stop')

),

push_events as (

    select
        message_id,
        provider_id,
        push_token,
        event,
        occurred_at
    from {{ ref('stg_provider__push_events') }}

),

events_worded_alike as (

    select
        'email' as channel,
        message_id,
        provider_id,
        'email' as kind,
        email_normalised as contact_point,
        event,
        event = 'bounce' and coalesce(detail, '') = 'hard' as is_hard_bounce,
        occurred_at
    from email_events

    union all

    select
        'sms' as channel,
        message_id,
        provider_id,
        'phone' as kind,
        phone_e164 as contact_point,
        case
            when event in ('undelivered', 'failed') then 'bounce'
            when event = 'stop' then 'unsubscribe'
            else event
        end as event,
        false as is_hard_bounce,
        occurred_at
    from sms_events

    union all

    select
        'push' as channel,
        message_id,
        provider_id,
        'push_token' as kind,
        push_token as contact_point,
        case when event in ('failed', 'unregistered') then 'bounce' else event end as event,
        event = 'unregistered' as is_hard_bounce,
        occurred_at
    from push_events

)

select distinct
    channel,
    message_id,
    provider_id,
    kind,
    contact_point,
    event,
    is_hard_bounce,
    occurred_at
from events_worded_alike
where occurred_at < {{ as_of() }}
