-- What is to change in each set: remove what is possibly there and not wanted, add what is wanted and not
-- certainly there. A member is its identifiers: who changes an address leaves with the old and enters with the
-- new one. Only sets of campaigns that compete in this run change.
with decisions as (

    select
        campaign,
        slot,
        customer_id,
        destination,
        audience_name,
        purpose,
        channel
    from {{ ref('decision_log') }}
    where verdict = 'send' and channel = 'ads'

),

customers as (

    select
        customer_id,
        email,
        phone
    from {{ ref('dim_customers') }}

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
        is_certainly_there
    from {{ ref('decision_memberships') }}
    where campaign in {{ run_campaigns() }}

),

wanted as (

    select
        decisions.campaign,
        decisions.destination,
        destination_audiences.audience,
        decisions.purpose,
        decisions.customer_id,
        customers.email,
        customers.phone
    from decisions
    inner join customers
        on decisions.customer_id = customers.customer_id
    inner join destination_audiences
        on
            decisions.destination = destination_audiences.destination
            and decisions.audience_name = destination_audiences.audience_name

),

compared as (

    select
        coalesce(wanted.campaign, memberships.campaign) as campaign,
        coalesce(wanted.destination, memberships.destination) as destination,
        coalesce(wanted.audience, memberships.audience) as audience,
        coalesce(wanted.customer_id, memberships.customer_id) as customer_id,
        coalesce(wanted.email, memberships.email) as email,
        coalesce(wanted.phone, memberships.phone) as phone,
        case when wanted.customer_id is null then 'remove' else 'add' end as operation,
        coalesce(wanted.customer_id is not null and memberships.is_certainly_there, false) as is_settled
    from wanted
    full outer join memberships
        on
            wanted.campaign = memberships.campaign
            and wanted.destination = memberships.destination
            and wanted.audience = memberships.audience
            and wanted.customer_id = memberships.customer_id
            and coalesce(wanted.email, '') = coalesce(memberships.email, '')
            and coalesce(wanted.phone, '') = coalesce(memberships.phone, '')

),

changes as (

    select
        md5(
            destination || '|' || audience || '|' || customer_id || '|' || operation || '|'
            || coalesce(email, '') || '|' || coalesce(phone, '')
        ) as change_id,
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone
    from compared
    where not is_settled

)

select
    cast(row_number() over (
        order by
            campaign asc nulls last, audience asc nulls last,
            operation desc nulls last, change_id asc nulls last
    ) - 1 as bigint) as position,
    change_id,
    campaign,
    {{ iso_date(as_of()) }} as slot,
    customer_id,
    'ads' as channel,
    destination,
    audience,
    'audience_matching' as purpose,
    operation,
    email,
    phone
from changes
