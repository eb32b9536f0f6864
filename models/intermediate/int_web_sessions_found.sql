-- The visit that each event belongs to: events of one device (or of one customer, where no device is known) with no
-- longer pause than the limit between them. A visit bears the name of its first event.
{%- set pause_ends_session_after_minutes = 30 %}

with events as (

    select
        event_id,
        coalesce(
            'device:' || device_id, 'customer:' || customer_id, 'profile:' || profile_id
        ) as visitor,
        occurred_at
    from {{ ref('int_web_events_mapped') }}

),

pauses_measured as (

    select
        event_id,
        visitor,
        occurred_at,
        lag(occurred_at) over (
            partition by visitor
            order by occurred_at asc nulls last, event_id asc nulls last
        ) as previous_occurred_at
    from events

),

sessions_numbered as (

    select
        event_id,
        visitor,
        occurred_at,
        sum(
            case
                when occurred_at <= cast({{ dbt.dateadd(
                    'minute', pause_ends_session_after_minutes, 'previous_occurred_at'
                ) }} as timestamp) then 0
                else 1
            end
        ) over (
            partition by visitor
            order by occurred_at asc nulls last, event_id asc nulls last
            rows between unbounded preceding and current row
        ) as session_number
    from pauses_measured

)

select
    event_id,
    first_value(event_id) over (
        partition by visitor, session_number
        order by occurred_at asc nulls last, event_id asc nulls last
    ) as session_id
from sessions_numbered
