-- What each set lacks and has too much: remove what is possibly there and not wanted, add what is wanted and not
-- certainly there. A member is its identifiers: who changes an address leaves with the old and enters with the
-- new one. Only sets of campaigns that compete in this run change.
with wanted as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        email,
        phone,
        external_id
    from {{ ref('decision_members_wanted') }}

),

set_destinations as (

    select
        destination,
        channel,
        purpose
    from {{ ref('set_destinations') }}

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
