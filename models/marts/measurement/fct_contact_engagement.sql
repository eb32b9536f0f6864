-- The first time of each kind of report on a message, side by side; of clicks also the last one.
with engagement as (

    select
        contact_id,
        customer_id,
        channel,
        event,
        is_hard_bounce,
        first_occurred_at,
        last_occurred_at
    from {{ ref('fct_engagement') }}
    where contact_id is not null

)

select
    contact_id,
    customer_id,
    channel,
    min(case when event in ('delivered', 'open', 'click') then first_occurred_at end) as first_delivered_at,
    min(case when event in ('open', 'click') then first_occurred_at end) as first_opened_at,
    min(case when event = 'click' then first_occurred_at end) as first_clicked_at,
    max(case when event = 'click' then last_occurred_at end) as last_clicked_at,
    min(case when event = 'bounce' then first_occurred_at end) as first_bounced_at,
    min(case when event = 'bounce' and is_hard_bounce then first_occurred_at end) as first_hard_bounced_at,
    min(case when event = 'complaint' then first_occurred_at end) as first_complained_at,
    min(case when event = 'unsubscribe' then first_occurred_at end) as first_unsubscribed_at
from engagement
group by contact_id, customer_id, channel
