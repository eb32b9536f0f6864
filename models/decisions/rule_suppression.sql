-- Rule 4. Fails where the customer is suppressed on the campaign's channel, or on all.
with candidates as (

    select
        message_id,
        customer_id,
        channel
    from {{ ref('decision_candidates') }}

),

suppressions as (

    select
        customer_id,
        channel,
        reason
    from {{ ref('int_suppressions_resolved') }}

)

select
    candidates.message_id,
    'suppressed_' || min(suppressions.reason) as reason
from candidates
inner join suppressions
    on candidates.customer_id = suppressions.customer_id
where suppressions.channel in (candidates.channel, 'all')
group by candidates.message_id
