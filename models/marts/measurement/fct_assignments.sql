-- Who was to be treated by which campaign, and who was held out of it: the first assignment of each message that no
-- release gave back. Assigned is not sent: a comparison by assignment stays fair, one by delivery does not.
with assignments as (

    select
        message_id,
        run_id,
        campaign,
        slot,
        customer_id,
        verdict,
        reason,
        channel,
        purpose,
        market,
        variant,
        offer,
        template,
        message_version,
        step,
        as_of
    from {{ ref('stg_ledger__decisions') }}
    where verdict in ('send', 'holdout')

),

releases as (

    select
        run_id,
        campaign
    from {{ ref('stg_ledger__releases') }}

),

assignments_ranked as (

    select
        assignments.*,
        row_number() over (
            partition by assignments.message_id
            order by assignments.as_of asc nulls last, assignments.run_id asc nulls last
        ) as assignment_rank
    from assignments
    left join releases
        on
            assignments.run_id = releases.run_id
            and assignments.campaign = releases.campaign
    where releases.run_id is null

)

select
    message_id,
    run_id,
    campaign,
    slot,
    customer_id,
    case when verdict = 'send' then 'treated' else 'holdout' end as arm,
    reason as holdout_reason,
    channel,
    purpose,
    market,
    variant,
    offer,
    template,
    message_version,
    step,
    as_of as assigned_at
from assignments_ranked
where assignment_rank = 1
