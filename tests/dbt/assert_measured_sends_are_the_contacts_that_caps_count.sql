{{ config(tags=['measurement']) }}
-- Every contact that the caps counted as attempted is measured too, once. (What was sent after the warehouse was built
-- is measured already and counts for the caps of the next run.)
with sends as (

    select
        contact_id,
        customer_id,
        count(*) as send_count
    from {{ ref('fct_sends') }}
    group by contact_id, customer_id

),

contacts as (

    select
        contact_id,
        customer_id,
        channel
    from {{ ref('fct_contacts') }}
    where state in ('accepted', 'in_doubt', 'imported')

)

select
    contacts.contact_id,
    sends.send_count
from contacts
left join sends
    on
        contacts.contact_id = sends.contact_id
        and (contacts.customer_id = sends.customer_id or contacts.channel = 'social')
where coalesce(sends.send_count, 0) <> 1
