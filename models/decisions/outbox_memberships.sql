-- What is to change in each set: remove what is possibly there and not wanted, add what is wanted and not
-- certainly there. A member is its identifiers: who changes an address leaves with the old and enters with the
-- new one. Only sets of campaigns that compete in this run change.
with decisions as (

    select
        campaign,
        customer_id,
        destination,
        audience_name
    from {{ ref('decision_log') }}
    where verdict = 'send' and audience_name is not null

),

customers as (

    select
        customer_id,
        email,
        phone
    from {{ ref('dim_customers') }}

),

external_ids as (

    select
        customer_id,
        external_id
    from {{ ref('dim_external_ids') }}
    where source_system = 'crm'

),

set_destinations as (

    select
        destination,
        channel,
        purpose,
        needs_audience_id
    from {{ ref('set_destinations') }}

),

destination_audiences as (

    select
        destination,
        audience_name,
        audience
    from {{ ref('destination_audiences') }}

),

memberships as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        email,
        phone,
        external_id,
        is_certainly_there
    from {{ ref('decision_memberships') }}
    where campaign in {{ run_campaigns() }}

),

sets_wanted as (

    select
        decisions.campaign,
        decisions.destination,
        decisions.customer_id,
        set_destinations.channel,
        coalesce(destination_audiences.audience, decisions.audience_name) as audience
    from decisions
    inner join set_destinations
        on decisions.destination = set_destinations.destination
    left join destination_audiences
        on
            decisions.destination = destination_audiences.destination
            and decisions.audience_name = destination_audiences.audience_name
    where destination_audiences.audience is not null or not set_destinations.needs_audience_id

),

-- To the world outside a person is an address and a number; within the house, an id.
wanted as (

    select
        sets_wanted.campaign,
        sets_wanted.destination,
        sets_wanted.audience,
        sets_wanted.customer_id,
        customers.email,
        customers.phone,
        cast(null as string) as external_id
    from sets_wanted
    inner join customers
        on sets_wanted.customer_id = customers.customer_id
    where sets_wanted.channel in ('ads', 'lists')

    union all

    select
        sets_wanted.campaign,
        sets_wanted.destination,
        sets_wanted.audience,
        sets_wanted.customer_id,
        cast(null as string) as email,
        cast(null as string) as phone,
        external_ids.external_id
    from sets_wanted
    inner join external_ids
        on sets_wanted.customer_id = external_ids.customer_id
    where sets_wanted.channel in ('crm', 'onsite')

),

compared as (

    select
        coalesce(wanted.campaign, memberships.campaign) as campaign,
        coalesce(wanted.destination, memberships.destination) as destination,
        coalesce(wanted.audience, memberships.audience) as audience,
        coalesce(wanted.customer_id, memberships.customer_id) as customer_id,
        coalesce(wanted.email, memberships.email) as email,
        coalesce(wanted.phone, memberships.phone) as phone,
        coalesce(wanted.external_id, memberships.external_id) as external_id,
        case when wanted.customer_id is null then 'remove' else 'add' end as operation,
        coalesce(wanted.customer_id is not null and memberships.is_certainly_there, false) as is_settled
    from wanted
    full outer join memberships
        on
            wanted.campaign = memberships.campaign
            and wanted.destination = memberships.destination
            and wanted.audience = memberships.audience
            and wanted.customer_id = memberships.customer_id
            and wanted.email is not distinct from memberships.email
            and wanted.phone is not distinct from memberships.phone
            and wanted.external_id is not distinct from memberships.external_id

),

changes as (

    select
        md5(
            destination || '|' || audience || '|' || customer_id || '|' || operation || '|'
            || coalesce(email, '') || '|' || coalesce(phone, '') || '|' || coalesce(external_id, '')
        ) as change_id,
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        external_id
    from compared
    where not is_settled

)

select
    cast(row_number() over (
        order by
            changes.campaign asc nulls last, changes.destination asc nulls last, changes.audience asc nulls last,
            changes.operation desc nulls last, changes.change_id asc nulls last
    ) - 1 as bigint) as position,
    changes.change_id,
    changes.campaign,
    {{ iso_date(as_of()) }} as slot,
    changes.customer_id,
    set_destinations.channel,
    changes.destination,
    changes.audience,
    set_destinations.purpose,
    changes.operation,
    changes.email,
    changes.phone,
    changes.external_id
from changes
inner join set_destinations
    on changes.destination = set_destinations.destination
