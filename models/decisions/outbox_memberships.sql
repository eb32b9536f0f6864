-- What is to change in each set. Where too many people would leave one at once, their removals are not here: they wait
-- for its approver and a run after that, while additions and every other removal go on.
with changes as (

    select
        change_id,
        campaign,
        slot,
        customer_id,
        channel,
        destination,
        audience,
        purpose,
        operation,
        email,
        phone,
        external_id
    from {{ ref('decision_membership_changes') }}

),

removals as (

    select
        change_id,
        campaign,
        destination,
        audience
    from {{ ref('decision_removals') }}
    where may_be_held

),

guard_removals as (

    select
        campaign,
        destination,
        audience
    from {{ ref('guard_removals') }}
    where is_tripped

),

removals_held as (

    select removals.change_id
    from removals
    inner join guard_removals
        on
            removals.campaign = guard_removals.campaign
            and removals.destination = guard_removals.destination
            and removals.audience = guard_removals.audience

)

select
    cast(row_number() over (
        order by
            changes.campaign asc nulls last, changes.destination asc nulls last, changes.audience asc nulls last,
            changes.operation desc nulls last, changes.change_id asc nulls last
    ) - 1 as bigint) as position,
    changes.change_id,
    changes.campaign,
    changes.slot,
    changes.customer_id,
    changes.channel,
    changes.destination,
    changes.audience,
    changes.purpose,
    changes.operation,
    changes.email,
    changes.phone,
    changes.external_id
from changes
left join removals_held
    on changes.change_id = removals_held.change_id
where removals_held.change_id is null
