-- Every contact that was made, may have been made, or is promised: receipts (in doubt counts as contacted),
-- reservations of runs whose receipt is not there yet, and what other tools sent before. A contact of a customer who
-- was merged since counts for whoever stands for that customer now.
with receipts as (

    select
        message_id,
        run_id,
        campaign,
        slot,
        step,
        channel,
        customer_id,
        state,
        attempted_at
    from {{ ref('stg_ledger__receipts') }}

),

reservations as (

    select
        message_id,
        run_id,
        campaign,
        slot,
        step,
        channel,
        customer_id,
        cap_class,
        planned_at,
        expires_at
    from {{ ref('stg_ledger__reservations') }}

),

releases as (

    select
        run_id,
        campaign
    from {{ ref('stg_ledger__releases') }}

),

sends as (

    select
        send_id,
        campaign,
        profile_id,
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
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

reservations_settled as (

    select
        reservations.message_id,
        reservations.campaign,
        reservations.slot,
        reservations.step,
        reservations.channel,
        reservations.customer_id,
        reservations.cap_class,
        coalesce(receipts.state, 'reserved') as state,
        coalesce(receipts.attempted_at, reservations.planned_at) as contacted_at
    from reservations
    left join receipts
        on
            reservations.message_id = receipts.message_id
            and reservations.run_id = receipts.run_id
    left join releases
        on
            reservations.run_id = releases.run_id
            and reservations.campaign = releases.campaign
    where
        receipts.state in ('accepted', 'in_doubt')
        or (
            receipts.state is null
            and releases.run_id is null
            and reservations.expires_at > {{ as_of() }}
        )

)

select
    reservations_settled.message_id as contact_id,
    coalesce(customers_succeeded.customer_id, reservations_settled.customer_id) as customer_id,
    reservations_settled.campaign,
    reservations_settled.slot,
    reservations_settled.channel,
    reservations_settled.cap_class,
    reservations_settled.state,
    reservations_settled.step,
    reservations_settled.contacted_at
from reservations_settled
left join customers_succeeded
    on reservations_settled.customer_id = customers_succeeded.earlier_customer_id

union all

select
    sends.send_id as contact_id,
    profiles_mapped.customer_id,
    sends.campaign,
    cast(null as string) as slot,
    sends.channel,
    'promo' as cap_class,
    'imported' as state,
    cast(null as int) as step,
    sends.sent_at as contacted_at
from sends
inner join profiles_mapped
    on sends.profile_id = profiles_mapped.profile_id
