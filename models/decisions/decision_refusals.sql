{{ config(materialized='view') }}
-- What rules 1 to 9 say against each candidate: all of rules 1 to 5 that fail, or the first later one; null where none.
with eligibility as (

    select
        candidate_id,
        reasons
    from {{ ref('decision_eligibility') }}

),

held_out as (

    select
        candidate_id,
        reason
    from {{ ref('rule_holdout') }}

),

capped as (

    select
        candidate_id,
        reason
    from {{ ref('rule_frequency_cap') }}

),

losers as (

    select
        candidate_id,
        reason,
        lost_to
    from {{ ref('rule_priority') }}

),

unallocated as (

    select
        candidate_id,
        reason
    from {{ ref('rule_cap_allocation') }}

    union all

    select
        candidate_id,
        reason
    from {{ ref('rule_daily_budget') }}

)

select
    eligibility.candidate_id,
    coalesce(eligibility.reasons, held_out.reason, capped.reason, losers.reason, unallocated.reason) as reasons,
    losers.lost_to
from eligibility
left join held_out
    on eligibility.candidate_id = held_out.candidate_id
left join capped
    on eligibility.candidate_id = capped.candidate_id
left join losers
    on eligibility.candidate_id = losers.candidate_id
left join unallocated
    on eligibility.candidate_id = unallocated.candidate_id
