-- What each set may hold, as far as the ledger knows: an accepted or in-doubt add without an accepted remove
-- after it is possibly there; an accepted add without any later attempt to remove it is certainly there.
with receipts as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        state,
        coalesce(attempted_at, known_at) as attempted_at
    from {{ ref('stg_ledger__membership_receipts') }}
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
        max(case when operation = 'add' then attempted_at end) as last_add_at,
        max(case when operation = 'add' and state = 'accepted' then attempted_at end) as last_accepted_add_at,
        max(case when operation = 'remove' then attempted_at end) as last_remove_at,
        max(case when operation = 'remove' and state = 'accepted' then attempted_at end)
            as last_accepted_remove_at
    from receipts
    group by campaign, destination, audience, customer_id, email, phone

)

select
    campaign,
    destination,
    audience,
    customer_id,
    email,
    phone,
    last_accepted_add_at is not null
    and (last_remove_at is null or last_remove_at < last_accepted_add_at) as is_certainly_there
from receipts_summed
where
    last_add_at is not null
    and (last_accepted_remove_at is null or last_accepted_remove_at < last_add_at)
