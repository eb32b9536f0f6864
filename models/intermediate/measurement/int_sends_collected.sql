-- Every message that was attempted, by Muster (an attempt without an answer counts, because it may have arrived) or by
-- another tool before it. A message of a customer who was merged since is whoever's stands for that customer now.
with receipts as (

    select
        message_id,
        run_id,
        campaign,
        slot,
        customer_id,
        channel,
        state,
        step,
        attempted_at,
        row_number() over (
            partition by message_id
            order by state asc nulls last, attempted_at asc nulls last, run_id asc nulls last
        ) as receipt_rank
    from {{ ref('stg_ledger__receipts') }}
    where state in ('accepted', 'in_doubt')

),

assignments as (

    select
        message_id,
        run_id,
        destination,
        purpose,
        market,
        variant,
        offer,
        template,
        message_version,
        as_of
    from {{ ref('stg_ledger__decisions') }}

),

imported_sends as (

    select
        send_id,
        profile_id,
        campaign,
        channel,
        sent_at
    from {{ ref('stg_campaigns__sends') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

customers_succeeded as (

    select
        earlier_customer_id,
        min(customer_id) as customer_id
    from {{ ref('int_customers_succeeded') }}
    group by earlier_customer_id

),

-- One id of another tool can stand for a whole mailing, and two profiles of one customer are sent one message.
imported_sends_mapped as (

    select
        imported_sends.send_id,
        profiles_mapped.customer_id,
        imported_sends.campaign,
        imported_sends.channel,
        min(imported_sends.sent_at) as sent_at
    from imported_sends
    inner join profiles_mapped
        on imported_sends.profile_id = profiles_mapped.profile_id
    group by
        imported_sends.send_id, profiles_mapped.customer_id, imported_sends.campaign, imported_sends.channel

)

select
    receipts.message_id as send_id,
    receipts.message_id as contact_id,
    receipts.run_id,
    -- A post has no recipient: what stands there is the post.
    case
        when receipts.channel <> 'social' then coalesce(customers_succeeded.customer_id, receipts.customer_id)
    end as customer_id,
    'muster' as origin,
    receipts.campaign,
    receipts.slot,
    receipts.channel,
    assignments.destination,
    assignments.purpose,
    assignments.market,
    assignments.variant,
    assignments.offer,
    assignments.template,
    assignments.message_version,
    receipts.state,
    receipts.step,
    assignments.as_of as decided_at,
    receipts.attempted_at as sent_at
from receipts
left join assignments
    on
        receipts.message_id = assignments.message_id
        and receipts.run_id = assignments.run_id
left join customers_succeeded
    on receipts.customer_id = customers_succeeded.earlier_customer_id
where receipts.receipt_rank = 1

union all

select
    md5(send_id || '|' || customer_id || '|' || campaign || '|' || channel) as send_id,
    send_id as contact_id,
    cast(null as string) as run_id,
    customer_id,
    'imported' as origin,
    campaign,
    cast(null as string) as slot,
    channel,
    cast(null as string) as destination,
    cast(null as string) as purpose,
    cast(null as string) as market,
    cast(null as string) as variant,
    cast(null as string) as offer,
    cast(null as string) as template,
    cast(null as string) as message_version,
    'accepted' as state,
    cast(null as int) as step,
    cast(null as timestamp) as decided_at,
    sent_at
from imported_sends_mapped
