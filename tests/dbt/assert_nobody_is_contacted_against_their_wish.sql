-- Asked once more of what is about to leave, apart from the rules: a consent is in force and nothing stands against
-- the person on the channel. Removals from sets are always allowed.
with outboxes as (

    select
        message_id as planned,
        customer_id,
        channel,
        purpose
    from {{ ref('outbox_messages') }}

    union all

    select
        change_id as planned,
        customer_id,
        channel,
        purpose
    from {{ ref('outbox_memberships') }}
    where operation = 'add'

)

select
    outboxes.planned,
    outboxes.channel,
    consents.state as consent,
    suppressions.reason as suppression
from outboxes
left join {{ ref('int_consents_resolved') }} as consents
    on
        outboxes.customer_id = consents.customer_id
        and outboxes.channel = consents.channel
        and outboxes.purpose = consents.purpose
left join {{ ref('int_suppressions_resolved') }} as suppressions
    on
        outboxes.customer_id = suppressions.customer_id
        and suppressions.channel in (outboxes.channel, 'all')
where
    consents.state is null
    or consents.state <> 'granted'
    or suppressions.reason is not null
