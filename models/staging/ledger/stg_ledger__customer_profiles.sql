-- Every golden customer that a profile ever belonged to, at any freeze known.
with profile_customers as (

    select
        profile_id,
        customer_id
    from {{ source('ledger', 'profile_customers') }}
    where {{ known_by_this_run() }}

)

select distinct
    profile_id,
    customer_id
from profile_customers
