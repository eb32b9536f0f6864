-- Who is still in after rules 7 and 8: they share what is left of caps and budgets.
with survivors as (

    select
        candidate_id,
        slot,
        customer_id,
        channel,
        cap_class,
        quiet_hours_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_survivors') }}

),

capped as (

    select candidate_id
    from {{ ref('rule_frequency_cap') }}

),

losers as (

    select candidate_id
    from {{ ref('rule_priority') }}

)

select
    survivors.candidate_id,
    survivors.slot,
    survivors.customer_id,
    survivors.channel,
    survivors.cap_class,
    survivors.quiet_hours_class,
    survivors.step,
    survivors.priority,
    survivors.scheduled_at
from survivors
left join capped
    on survivors.candidate_id = capped.candidate_id
left join losers
    on survivors.candidate_id = losers.candidate_id
where capped.candidate_id is null and losers.candidate_id is null
