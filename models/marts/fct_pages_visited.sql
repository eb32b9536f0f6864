-- Which pages each customer looked at in the last week.
{%- set window_days = 7 %}

with web_events as (

    select
        customer_id,
        session_id,
        url_path,
        page_section,
        occurred_at
    from {{ ref('fct_web_events') }}
    where
        customer_id is not null
        and url_path is not null
        and event_type in ('page_view', 'product_view')
        and occurred_at >= {{ days_before(as_of(), window_days) }}

)

select
    customer_id,
    page_section,
    url_path,
    cast(count(*) as int) as view_count,
    cast(count(distinct session_id) as int) as session_count,
    max(occurred_at) as last_visited_at
from web_events
group by customer_id, page_section, url_path
