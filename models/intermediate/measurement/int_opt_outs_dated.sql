-- Every wish not to be contacted, with the moment it was stated, the moment we came to know, and the moment it was
-- taken back. Only what a person said: a dead address is none.
with consent_events as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        purpose,
        state,
        occurred_at,
        lead(occurred_at) over (
            partition by profile_id, email_normalised, phone_e164, channel, purpose
            order by occurred_at asc nulls last, state desc nulls last, loaded_at asc nulls last
        ) as next_occurred_at,
        loaded_at
    from {{ ref('stg_consent__events') }}

),

email_events as (

    select
        message_id,
        email_normalised,
        event,
        detail,
        occurred_at,
        loaded_at
    from {{ ref('stg_provider__email_events') }}
    where event in ('complaint', 'unsubscribe')

),

sms_events as (

    select
        phone_e164,
        event,
        occurred_at,
        lead(case when event = 'start' then occurred_at end) over (
            partition by phone_e164
            order by occurred_at asc nulls last, event desc nulls last, loaded_at asc nulls last
        ) as next_started_at,
        loaded_at
    from {{ ref('stg_provider__sms_events') }}
    where event in ('start', 'stop') and phone_e164 is not null

),

manual as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        channel,
        added_at,
        loaded_at
    from {{ ref('stg_suppressions__manual') }}

),

wishes as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        cast(null as string) as message_id,
        channel,
        purpose,
        cast(null as string) as campaign,
        occurred_at as stated_at,
        next_occurred_at as taken_back_at,
        loaded_at
    from consent_events
    where state = 'withdrawn'

    union all

    select
        cast(null as string) as profile_id,
        email_normalised,
        cast(null as string) as phone_e164,
        message_id,
        'email' as channel,
        cast(null as string) as purpose,
        case
            when event = 'unsubscribe' and detail like 'programme:%'
                then nullif(trim(split_part(detail, ':', 2)), '')
        end as campaign,
        occurred_at as stated_at,
        cast(null as timestamp) as taken_back_at,
        loaded_at
    from email_events

    union all

    select
        cast(null as string) as profile_id,
        cast(null as string) as email_normalised,
        phone_e164,
        cast(null as string) as message_id,
        'sms' as channel,
        cast(null as string) as purpose,
        cast(null as string) as campaign,
        occurred_at as stated_at,
        next_started_at as taken_back_at,
        loaded_at
    from sms_events
    where event = 'stop'

    union all

    select
        profile_id,
        email_normalised,
        phone_e164,
        cast(null as string) as message_id,
        channel,
        cast(null as string) as purpose,
        cast(null as string) as campaign,
        added_at as stated_at,
        cast(null as timestamp) as taken_back_at,
        loaded_at
    from manual

)
{% for kind, column in {
    'profile': 'profile_id', 'email': 'email_normalised', 'phone': 'phone_e164', 'message': 'message_id'
}.items() %}
select
    '{{ kind }}' as kind,
    {{ column }} as contact_point,
    channel,
    purpose,
    campaign,
    stated_at,
    taken_back_at,
    min(loaded_at) as known_at
from wishes
where {{ column }} is not null
group by {{ column }}, channel, purpose, campaign, stated_at, taken_back_at
{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
