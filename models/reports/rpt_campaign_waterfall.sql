-- How each campaign of this run came from its candidates to what is sent: one row per first reason.
with decisions as (

    select
        campaign,
        slot,
        verdict,
        reason,
        priority
    from {{ ref('decision_log') }}

)

select
    campaign,
    slot,
    verdict,
    reason,
    priority,
    cast(count(*) as bigint) as people
from decisions
group by campaign, slot, verdict, reason, priority
