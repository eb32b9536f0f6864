-- What each set may hold, as far as the ledger knows: an accepted or in-doubt add without an accepted remove
-- after it is possibly there; an accepted add without any later attempt to remove it is certainly there. Of two
-- attempts at the same moment nobody knows the order.
with receipts as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        external_id,
        state,
        coalesce(attempted_at, known_at) as attempted_at
    from {{ ref('int_membership_receipts_settled') }}
    where state in ('accepted', 'in_doubt')

),

receipts_summed as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        email,
        phone,
        external_id,
        max(case when operation = 'add' then attempted_at end) as last_add_at,
        max(case when operation = 'add' and state = 'accepted' then attempted_at end) as last_accepted_add_at,
        max(case when operation = 'remove' then attempted_at end) as last_remove_at,
        max(case when operation = 'remove' and state = 'accepted' then attempted_at end)
            as last_accepted_remove_at
    from receipts
    group by campaign, destination, audience, customer_id, email, phone, external_id

),

-- A destination finds a person by any identifier: a removal of the same address, number or id, also under another
-- golden id, may have taken out this one.
removals_compared as (

    select
        *,
        case when email is not null then max(last_remove_at) over (partition by destination, audience, email) end
            as email_last_removed_at,
        case when phone is not null then max(last_remove_at) over (partition by destination, audience, phone) end
            as phone_last_removed_at,
        case
            when external_id is not null
                then max(last_remove_at) over (partition by destination, audience, external_id)
        end as external_id_last_removed_at
    from receipts_summed

)

select
    campaign,
    destination,
    audience,
    customer_id,
    email,
    phone,
    external_id,
    last_accepted_add_at is not null
    and (email_last_removed_at is null or email_last_removed_at < last_accepted_add_at)
    and (phone_last_removed_at is null or phone_last_removed_at < last_accepted_add_at)
    and (external_id_last_removed_at is null or external_id_last_removed_at < last_accepted_add_at)
        as is_certainly_there
from removals_compared
where
    last_add_at is not null
    and (last_accepted_remove_at is null or last_accepted_remove_at <= last_add_at)
