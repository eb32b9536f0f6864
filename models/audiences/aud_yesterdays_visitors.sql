with web_events as (

    select
        customer_id,
        url_path,
        event_type,
        occurred_at
    from {{ ref('fct_web_events') }}

)

select
    'yesterdays_visitors' as audience,
    customer_id,
    'looked at pages yesterday: ' || cast(count(distinct url_path) as string) as qualified_by,
    max(occurred_at) as qualified_at
from web_events
where
    customer_id is not null
    and event_type in ('page_view', 'product_view')
    and {{ days_between('occurred_at', as_of()) }} = 1
group by customer_id
