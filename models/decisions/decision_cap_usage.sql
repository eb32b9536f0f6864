-- What each person, and each account with all its people, has used of each cap: contacts of the window before as_of
-- and those promised for later. Who has used nothing has no row.
with caps as (

    select
        cap,
        cap_class,
        channel,
        scope,
        window_days
    from {{ ref('frequency_caps') }}

),

contacts as (

    select
        customer_id,
        cap_class,
        channel,
        contacted_at
    from {{ ref('fct_contacts') }}
    where cap_class is not null

),

recipients as (

    select
        customer_id,
        account_id
    from {{ ref('decision_recipients') }}
    where account_id is not null

),

contacts_capped as (

    select
        caps.cap,
        caps.scope,
        contacts.customer_id
    from contacts
    inner join caps
        on
            caps.cap_class in (contacts.cap_class, 'any')
            and caps.channel in (contacts.channel, 'any')
    where contacts.contacted_at > {{ days_before(as_of(), 'caps.window_days') }}

)

select
    cap,
    customer_id as holder_id,
    cast(count(*) as int) as contact_count
from contacts_capped
where scope = 'customer'
group by cap, customer_id

union all

select
    contacts_capped.cap,
    recipients.account_id as holder_id,
    cast(count(*) as int) as contact_count
from contacts_capped
inner join recipients
    on contacts_capped.customer_id = recipients.customer_id
where contacts_capped.scope = 'account'
group by contacts_capped.cap, recipients.account_id
