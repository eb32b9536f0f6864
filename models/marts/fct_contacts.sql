with contacts as (

    select
        contact_id,
        customer_id,
        campaign,
        slot,
        channel,
        cap_class,
        state,
        step,
        contacted_at
    from {{ ref('int_contacts_collected') }}

)

select
    contact_id,
    customer_id,
    campaign,
    slot,
    channel,
    cap_class,
    state,
    step,
    contacted_at
from contacts
