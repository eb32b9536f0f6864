-- Rule 7. How much of the cap each remaining candidate's customer has used, across channels: contacts of the
-- window before as_of, and those promised for later. `contacts_left` of zero or less fails.
with candidates as (

    select
        message_id,
        customer_id,
        cap_class
    from {{ ref('decision_candidates') }}

),

eligibility as (

    select message_id
    from {{ ref('decision_eligibility') }}
    where reasons is null

),

held_out as (

    select message_id
    from {{ ref('rule_holdout') }}

),

caps as (

    select
        cap_class,
        max_contacts,
        window_days
    from {{ ref('frequency_caps') }}

),

contacts as (

    select
        customer_id,
        cap_class,
        contacted_at
    from {{ ref('fct_contacts') }}

),

contacts_counted as (

    select
        contacts.customer_id,
        contacts.cap_class,
        count(*) as contact_count
    from contacts
    inner join caps
        on contacts.cap_class = caps.cap_class
    where contacts.contacted_at > {{ days_before(as_of(), 'caps.window_days') }}
    group by contacts.customer_id, contacts.cap_class

)

select
    candidates.message_id,
    cast(caps.max_contacts - coalesce(contacts_counted.contact_count, 0) as int) as contacts_left,
    coalesce(contacts_counted.contact_count, 0) >= caps.max_contacts as is_capped
from candidates
inner join eligibility
    on candidates.message_id = eligibility.message_id
left join held_out
    on candidates.message_id = held_out.message_id
inner join caps
    on candidates.cap_class = caps.cap_class
left join contacts_counted
    on
        candidates.customer_id = contacts_counted.customer_id
        and candidates.cap_class = contacts_counted.cap_class
where held_out.message_id is null
