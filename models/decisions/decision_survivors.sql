-- Who is still in after rules 1 to 6, with what the rules that choose among them ask for.
with candidates as (

    select
        candidate_id,
        campaign,
        slot,
        customer_id,
        channel,
        cap_class,
        quiet_hours_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_candidates') }}

),

eligibility as (

    select candidate_id
    from {{ ref('decision_eligibility') }}
    where reasons is null

),

held_out as (

    select candidate_id
    from {{ ref('rule_holdout') }}

)

select
    candidates.candidate_id,
    candidates.campaign,
    candidates.slot,
    candidates.customer_id,
    candidates.channel,
    candidates.cap_class,
    candidates.quiet_hours_class,
    candidates.step,
    candidates.priority,
    candidates.scheduled_at
from candidates
inner join eligibility
    on candidates.candidate_id = eligibility.candidate_id
left join held_out
    on candidates.candidate_id = held_out.candidate_id
where held_out.candidate_id is null
