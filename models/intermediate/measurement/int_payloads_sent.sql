-- Everything that left, or may have left, with whom it was meant for and the identifiers that it bore: messages, and
-- additions to sets (ads included) for as long as nothing took them back.
with receipts as (

    select
        message_id,
        run_id,
        campaign,
        customer_id,
        attempted_at
    from {{ ref('stg_ledger__receipts') }}
    where state in ('accepted', 'in_doubt') and attempted_at is not null

),

outbox_messages as (

    select
        message_id,
        run_id,
        channel,
        address
    from {{ ref('stg_ledger__outbox_messages') }}

),

membership_receipts as (

    select
        change_id,
        run_id,
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        state,
        attempted_at
    from {{ ref('int_membership_receipts_settled') }}
    where state in ('accepted', 'in_doubt') and attempted_at is not null

),

purposes as (

    select
        campaign,
        max(purpose) as purpose
    from {{ ref('stg_ledger__decisions') }}
    group by campaign

),

customers_succeeded as (

    select
        earlier_customer_id,
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

removals as (

    select
        destination,
        audience,
        customer_id,
        max(attempted_at) as removed_at
    from membership_receipts
    where operation = 'remove' and state = 'accepted'
    group by destination, audience, customer_id

),

payloads as (

    select
        'message' as payload,
        receipts.campaign,
        receipts.customer_id,
        case when outbox_messages.channel = 'email' then lower(outbox_messages.address) end as email,
        case when outbox_messages.channel = 'sms' then outbox_messages.address end as phone,
        receipts.attempted_at as sent_at,
        receipts.attempted_at as there_until
    from receipts
    left join outbox_messages
        on
            receipts.message_id = outbox_messages.message_id
            and receipts.run_id = outbox_messages.run_id

    union all

    select
        'set' as payload,
        membership_receipts.campaign,
        membership_receipts.customer_id,
        lower(membership_receipts.email) as email,
        membership_receipts.phone,
        membership_receipts.attempted_at as sent_at,
        case
            when removals.removed_at >= membership_receipts.attempted_at then removals.removed_at
        end as there_until
    from membership_receipts
    left join removals
        on
            membership_receipts.destination = removals.destination
            and membership_receipts.audience = removals.audience
            and membership_receipts.customer_id = removals.customer_id
    where membership_receipts.operation = 'add'

)

select
    payloads.payload,
    payloads.campaign,
    coalesce(customers_succeeded.customer_id, payloads.customer_id) as customer_id,
    payloads.email,
    payloads.phone,
    purposes.purpose,
    payloads.sent_at,
    payloads.there_until
from payloads
left join purposes
    on payloads.campaign = purposes.campaign
left join customers_succeeded
    on payloads.customer_id = customers_succeeded.earlier_customer_id
