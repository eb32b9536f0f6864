-- Every attempt of Muster to reach somebody, by a message or as a member of a set, with the clock of the run that
-- decided it; of a member also when they were taken out again.
with sends as (

    select
        send_id,
        run_id,
        customer_id,
        campaign,
        slot,
        channel,
        destination,
        purpose,
        decided_at,
        sent_at
    from {{ ref('int_sends_collected') }}
    where origin = 'muster'

),

memberships as (

    select
        change_id,
        run_id,
        customer_id,
        campaign,
        destination,
        audience,
        operation,
        state,
        attempted_at
    from {{ ref('int_membership_receipts_settled') }}
    where state in ('accepted', 'in_doubt')

),

set_destinations as (

    select
        destination,
        channel,
        purpose
    from {{ ref('set_destinations') }}

),

campaign_sizes as (

    select
        run_id,
        campaign,
        slot,
        as_of
    from {{ ref('stg_ledger__campaign_sizes') }}

),

customers_succeeded as (

    select
        earlier_customer_id,
        min(customer_id) as customer_id
    from {{ ref('int_customers_succeeded') }}
    group by earlier_customer_id

),

removals as (

    select
        destination,
        audience,
        customer_id,
        max(attempted_at) as last_removed_at
    from memberships
    where operation = 'remove' and state = 'accepted'
    group by destination, audience, customer_id

)

select
    send_id as attempt_id,
    run_id,
    customer_id,
    'message' as kind,
    campaign,
    slot,
    channel,
    destination,
    purpose,
    cast(null as string) as audience,
    decided_at,
    sent_at as attempted_at,
    cast(null as timestamp) as removed_at
from sends

union all

select
    memberships.change_id as attempt_id,
    memberships.run_id,
    coalesce(customers_succeeded.customer_id, memberships.customer_id) as customer_id,
    'membership' as kind,
    memberships.campaign,
    campaign_sizes.slot,
    set_destinations.channel,
    memberships.destination,
    set_destinations.purpose,
    memberships.audience,
    campaign_sizes.as_of as decided_at,
    memberships.attempted_at,
    case when removals.last_removed_at >= memberships.attempted_at then removals.last_removed_at end as removed_at
from memberships
inner join set_destinations
    on memberships.destination = set_destinations.destination
left join campaign_sizes
    on
        memberships.run_id = campaign_sizes.run_id
        and memberships.campaign = campaign_sizes.campaign
left join customers_succeeded
    on memberships.customer_id = customers_succeeded.earlier_customer_id
left join removals
    on
        memberships.destination = removals.destination
        and memberships.audience = removals.audience
        and memberships.customer_id = removals.customer_id
where memberships.operation = 'add'
