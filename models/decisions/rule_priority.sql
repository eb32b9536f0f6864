-- Rule 8. One winner per person, slot day and cap class among those who are still in; the losers name it.
-- Campaigns without a cap class (sets, service messages) do not compete.
with survivors as (

    select
        candidate_id,
        campaign,
        slot,
        customer_id,
        cap_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_survivors') }}
    where cap_class is not null

),

capped as (

    select candidate_id
    from {{ ref('rule_frequency_cap') }}

),

survivors_ranked as (

    select
        survivors.candidate_id,
        first_value(survivors.campaign) over contest as winner,
        row_number() over contest as contest_rank
    from survivors
    left join capped
        on survivors.candidate_id = capped.candidate_id
    where capped.candidate_id is null
    window contest as (
        partition by survivors.customer_id, cast(survivors.scheduled_at as date), survivors.cap_class
        order by
            survivors.priority asc nulls last, survivors.slot asc nulls last, survivors.step asc nulls last
    )

)

select
    candidate_id,
    'lost_priority' as reason,
    winner as lost_to
from survivors_ranked
where contest_rank > 1
