with events as (

    select
        event_id,
        customer_id,
        device_id,
        event_type,
        url_path,
        page_section,
        product_id,
        is_stitched,
        occurred_at
    from {{ ref('int_web_events_mapped') }}

),

sessions as (

    select
        event_id,
        session_id
    from {{ ref('int_web_sessions_found') }}

)

select
    events.event_id,
    events.customer_id,
    events.device_id,
    sessions.session_id,
    events.event_type,
    events.url_path,
    events.page_section,
    events.product_id,
    events.is_stitched,
    events.occurred_at
from events
inner join sessions
    on events.event_id = sessions.event_id
