-- What is to change in each set now: all but what waits for a later run.
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

changes_waiting as (

    select change_id
    from {{ ref('decision_changes_waiting') }}

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
left join changes_waiting
    on changes.change_id = changes_waiting.change_id
where changes_waiting.change_id is null
