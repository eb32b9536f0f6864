-- What is about to leave, together with what left in the window before as_of or is promised by other runs, stays
-- within each cap of each person and each account. Counted from the outbox, apart from the rules that were meant to
-- see to it.
with outbox_messages as (

    select
        customer_id,
        channel,
        cap_class
    from {{ ref('outbox_messages') }}
    where cap_class is not null

),

contacts as (

    select
        customer_id,
        channel,
        cap_class,
        contacted_at
    from {{ ref('fct_contacts') }}
    where cap_class is not null

),

accounts as (

    select
        customer_id,
        account_id
    from {{ ref('dim_customers') }}
    where account_id is not null

),

holders_planned as (

    select
        customer_id as holder_id,
        'customer' as scope
    from outbox_messages

    union distinct

    select
        accounts.account_id as holder_id,
        'account' as scope
    from outbox_messages
    inner join accounts
        on outbox_messages.customer_id = accounts.customer_id

),

messages as (

    select
        customer_id,
        channel,
        cap_class,
        cast(null as timestamp) as contacted_at
    from outbox_messages

    union all

    select
        customer_id,
        channel,
        cap_class,
        contacted_at
    from contacts

),

messages_held as (

    select
        customer_id as holder_id,
        'customer' as scope,
        channel,
        cap_class,
        contacted_at
    from messages

    union all

    select
        accounts.account_id as holder_id,
        'account' as scope,
        messages.channel,
        messages.cap_class,
        messages.contacted_at
    from messages
    inner join accounts
        on messages.customer_id = accounts.customer_id

)

select
    caps.cap,
    messages_held.holder_id,
    caps.max_contacts,
    sum(case when messages_held.contacted_at is null then 1 else 0 end) as planned_count,
    count(*) as message_count
from messages_held
inner join holders_planned
    on
        messages_held.holder_id = holders_planned.holder_id
        and messages_held.scope = holders_planned.scope
inner join {{ ref('frequency_caps') }} as caps
    on
        messages_held.scope = caps.scope
        and caps.cap_class in (messages_held.cap_class, 'any')
        and caps.channel in (messages_held.channel, 'any')
where
    messages_held.contacted_at is null
    or messages_held.contacted_at > {{ days_before(as_of(), 'caps.window_days') }}
group by caps.cap, messages_held.holder_id, caps.max_contacts
having
    count(*) > caps.max_contacts
    and sum(case when messages_held.contacted_at is null then 1 else 0 end) > 0
