-- Nobody who is held out of a campaign is in an outbox of it: the measurement would be worthless.
with held_out as (

    select
        campaign,
        customer_id
    from {{ ref('decision_log') }}
    where verdict = 'holdout'

),

outboxes as (

    select
        campaign,
        customer_id
    from {{ ref('outbox_messages') }}

    union all

    select
        campaign,
        customer_id
    from {{ ref('outbox_memberships') }}
    where operation = 'add'

)

select
    held_out.campaign,
    held_out.customer_id
from held_out
inner join outboxes
    on
        held_out.campaign = outboxes.campaign
        and held_out.customer_id = outboxes.customer_id
