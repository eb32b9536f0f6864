-- What is about to leave, together with what left in the window before as_of or is promised by other runs, stays
-- within the cap of each class. Counted from the outbox, apart from the rules that were meant to see to it.
with planned as (

    select
        customer_id,
        cap_class,
        count(*) as message_count
    from {{ ref('outbox_messages') }}
    group by customer_id, cap_class

),

counted as (

    select
        planned.customer_id,
        caps.cap_class,
        caps.max_contacts,
        planned.message_count,
        count(contacts.contact_id) as contact_count
    from planned
    inner join {{ ref('frequency_caps') }} as caps
        on planned.cap_class = caps.cap_class
    left join {{ ref('fct_contacts') }} as contacts
        on
            planned.customer_id = contacts.customer_id
            and planned.cap_class = contacts.cap_class
            and contacts.contacted_at > {{ days_before(as_of(), 'caps.window_days') }}
    group by planned.customer_id, caps.cap_class, caps.max_contacts, planned.message_count

)

select
    customer_id,
    cap_class,
    max_contacts,
    message_count,
    contact_count
from counted
where message_count + contact_count > max_contacts
