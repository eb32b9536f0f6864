-- Every verdict `send` of a message is in the outbox once, and the outbox holds nothing else.
select
    decision_log.message_id as decided,
    outbox_messages.message_id as planned
from (
    select message_id
    from {{ ref('decision_log') }}
    where verdict = 'send' and channel <> 'ads'
) as decision_log
full outer join {{ ref('outbox_messages') }} as outbox_messages
    on decision_log.message_id = outbox_messages.message_id
where decision_log.message_id is null or outbox_messages.message_id is null
