-- Whom each report of a provider is about: whom we sent the message to; else whom another tool sent it to; else the
-- one customer who has the address. A report that could be about several people is about nobody.
with provider_events as (

    select
        channel,
        message_id,
        provider_id,
        kind,
        contact_point,
        event,
        is_hard_bounce,
        occurred_at
    from {{ ref('int_provider_events_collected') }}

),

receipts as (

    select distinct
        message_id,
        campaign,
        customer_id
    from {{ ref('stg_ledger__receipts') }}

),

sends as (

    select
        send_id,
        profile_id,
        campaign
    from {{ ref('stg_campaigns__sends') }}

),

devices as (

    select
        profile_id,
        push_token
    from {{ ref('stg_crm__devices') }}
    where push_token is not null

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}
    where kind in ('email', 'phone')

),

customers_succeeded as (

    select
        earlier_customer_id,
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

messages_sent as (

    select
        receipts.message_id,
        min(receipts.campaign) as campaign,
        min(coalesce(customers_succeeded.customer_id, receipts.customer_id)) as customer_id
    from receipts
    left join customers_succeeded
        on receipts.customer_id = customers_succeeded.earlier_customer_id
    group by receipts.message_id

),

-- One id of another tool can stand for a whole mailing: then it names the campaign, but no person.
sends_named as (

    select
        sends.send_id,
        case when min(sends.campaign) = max(sends.campaign) then min(sends.campaign) end as campaign,
        case
            when min(profiles_mapped.customer_id) = max(profiles_mapped.customer_id)
                then min(profiles_mapped.customer_id)
        end as customer_id
    from sends
    inner join profiles_mapped
        on sends.profile_id = profiles_mapped.profile_id
    group by sends.send_id

),

addresses_collected as (

    select
        customer_id,
        kind,
        contact_point
    from contact_points

    union all

    select
        profiles_mapped.customer_id,
        'push_token' as kind,
        devices.push_token as contact_point
    from devices
    inner join profiles_mapped
        on devices.profile_id = profiles_mapped.profile_id

),

addresses_of_one as (

    select
        kind,
        contact_point,
        min(customer_id) as customer_id
    from addresses_collected
    group by kind, contact_point
    having min(customer_id) = max(customer_id)

)

select
    coalesce(provider_events.message_id, provider_events.provider_id) as contact_id,
    coalesce(messages_sent.customer_id, sends_named.customer_id, addresses_of_one.customer_id) as customer_id,
    coalesce(messages_sent.campaign, sends_named.campaign) as campaign,
    provider_events.channel,
    provider_events.event,
    provider_events.is_hard_bounce,
    provider_events.occurred_at
from provider_events
left join messages_sent
    on provider_events.message_id = messages_sent.message_id
left join sends_named
    on provider_events.provider_id = sends_named.send_id
left join addresses_of_one
    on
        provider_events.kind = addresses_of_one.kind
        and provider_events.contact_point = addresses_of_one.contact_point
