with engagement as (

    select
        contact_id,
        customer_id,
        campaign,
        channel,
        event,
        is_hard_bounce,
        occurred_at,
        -- A report that names no message stands for itself.
        coalesce(contact_id, 'at ' || cast(occurred_at as string)) as contact_key
    from {{ ref('int_engagement_attributed') }}
    where customer_id is not null

)

select
    md5(channel || '|' || event || '|' || customer_id || '|' || contact_key) as engagement_id,
    min(contact_id) as contact_id,
    customer_id,
    min(campaign) as campaign,
    channel,
    event,
    cast(count(*) as int) as event_count,
    max(case when is_hard_bounce then 1 else 0 end) = 1 as is_hard_bounce,
    min(occurred_at) as first_occurred_at,
    max(occurred_at) as last_occurred_at
from engagement
group by contact_key, customer_id, channel, event
