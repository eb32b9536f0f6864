-- Rule 8. One winner per person, slot day and cap class among those who are still in; the losers name it.
-- Campaigns without a cap class (sets, service messages) do not compete.
with candidates as (

    select
        message_id,
        campaign,
        customer_id,
        cap_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_candidates') }}
    where cap_class is not null

),

capacity as (

    select message_id
    from {{ ref('rule_frequency_cap') }}
    where not is_capped

),

candidates_ranked as (

    select
        candidates.message_id,
        first_value(candidates.campaign) over contest as winner,
        row_number() over contest as contest_rank
    from candidates
    inner join capacity
        on candidates.message_id = capacity.message_id
    window contest as (
        partition by candidates.customer_id, cast(candidates.scheduled_at as date), candidates.cap_class
        order by
            candidates.priority asc nulls last, candidates.step asc nulls last,
            candidates.message_id asc nulls last
    )

)

select
    message_id,
    'lost_priority' as reason,
    winner as lost_to
from candidates_ranked
where contest_rank > 1
