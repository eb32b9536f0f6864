-- Rule 9. Winners take what is left of the cap, in priority order; for who comes too late it is used up.
with candidates as (

    select
        message_id,
        customer_id,
        cap_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_candidates') }}

),

capacity as (

    select
        message_id,
        contacts_left
    from {{ ref('rule_frequency_cap') }}
    where not is_capped

),

losers as (

    select message_id
    from {{ ref('rule_priority') }}

),

winners_ranked as (

    select
        candidates.message_id,
        capacity.contacts_left,
        row_number() over (
            partition by candidates.customer_id, candidates.cap_class
            order by
                candidates.priority asc nulls last, candidates.scheduled_at asc nulls last,
                candidates.step asc nulls last, candidates.message_id asc nulls last
        ) as place
    from candidates
    inner join capacity
        on candidates.message_id = capacity.message_id
    left join losers
        on candidates.message_id = losers.message_id
    where losers.message_id is null

)

select
    message_id,
    'frequency_cap' as reason
from winners_ranked
where place > contacts_left
