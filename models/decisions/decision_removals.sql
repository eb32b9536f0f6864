-- Why each member leaves a set. Who objected, is suppressed, changed an address or is nobody's customer any more
-- (erased, or merged into another) leaves at once; only who no longer belongs to the audience may be made to wait.
with changes as (

    select
        change_id,
        campaign,
        customer_id,
        channel,
        destination,
        audience,
        purpose
    from {{ ref('decision_membership_changes') }}
    where operation = 'remove'

),

wanted as (

    select distinct
        campaign,
        destination,
        audience,
        customer_id
    from {{ ref('decision_members_wanted') }}

),

customers as (

    select customer_id
    from {{ ref('dim_customers') }}

),

channel_purposes as (

    select
        channel,
        purpose,
        consent_channel,
        consent_purpose,
        consent_rule,
        is_contact
    from {{ ref('channel_purposes') }}

),

consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('int_consents_resolved') }}

),

destinations_denied as (

    select
        destination,
        customer_id
    from {{ ref('decision_destinations_denied') }}

),

suppressions as (

    select
        customer_id,
        channel,
        campaign
    from {{ ref('int_suppressions_resolved') }}

),

changes_suppressed as (

    select distinct changes.change_id
    from changes
    inner join channel_purposes
        on
            changes.channel = channel_purposes.channel
            and changes.purpose = channel_purposes.purpose
    inner join suppressions
        on
            channel_purposes.is_contact
            and changes.customer_id = suppressions.customer_id
            and suppressions.channel in (coalesce(channel_purposes.consent_channel, changes.channel), 'all')
            and coalesce(suppressions.campaign, changes.campaign) = changes.campaign

),

changes_explained as (

    select
        changes.change_id,
        changes.campaign,
        changes.customer_id,
        changes.destination,
        changes.audience,
        coalesce(
            case
                when wanted.customer_id is not null then 'identifier_changed'
                when customers.customer_id is null then 'customer_gone'
            end,
            {{ consent_reason('consents.state', 'channel_purposes.consent_rule') }},
            case when destinations_denied.customer_id is not null then 'no_destination_consent' end,
            case when changes_suppressed.change_id is not null then 'suppressed' end,
            'left_audience'
        ) as reason
    from changes
    left join wanted
        on
            changes.campaign = wanted.campaign
            and changes.destination = wanted.destination
            and changes.audience = wanted.audience
            and changes.customer_id = wanted.customer_id
    left join customers
        on changes.customer_id = customers.customer_id
    left join channel_purposes
        on
            changes.channel = channel_purposes.channel
            and changes.purpose = channel_purposes.purpose
    left join consents
        on
            changes.customer_id = consents.customer_id
            and channel_purposes.consent_channel = consents.channel
            and channel_purposes.consent_purpose = consents.purpose
    left join destinations_denied
        on
            changes.destination = destinations_denied.destination
            and changes.customer_id = destinations_denied.customer_id
    left join changes_suppressed
        on changes.change_id = changes_suppressed.change_id

)

select
    change_id,
    campaign,
    customer_id,
    destination,
    audience,
    reason,
    reason = 'left_audience' as may_be_held
from changes_explained
