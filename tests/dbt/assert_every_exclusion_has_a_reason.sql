-- Whoever is not sent to has a first reason, and whoever is sent to has none.
select
    message_id,
    verdict
from {{ ref('decision_log') }}
where
    (verdict = 'send' and reason is not null)
    or (verdict <> 'send' and (reason is null or reason = ''))
