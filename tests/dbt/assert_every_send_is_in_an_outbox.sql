-- Every verdict `send` of a message is in the outbox once, and every one of a set is certainly a member or about to be
-- added; the outboxes add nobody else. A set whose destination does not know it would otherwise lose people in silence.
with sends as (

    select
        message_id,
        campaign,
        customer_id,
        destination,
        audience_name
    from {{ ref('decision_log') }}
    where verdict = 'send'

),

messages as (

    select message_id
    from {{ ref('outbox_messages') }}

),

members as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        1 as is_added
    from {{ ref('outbox_memberships') }}
    where operation = 'add'

    union all

    select
        campaign,
        destination,
        audience,
        customer_id,
        0 as is_added
    from {{ ref('decision_memberships') }}
    where is_certainly_there and campaign in {{ run_campaigns() }}

),

members_counted as (

    select
        campaign,
        destination,
        audience,
        customer_id,
        max(is_added) as is_added
    from members
    group by campaign, destination, audience, customer_id

),

destination_audiences as (

    select
        destination,
        audience_name,
        audience
    from {{ ref('destination_audiences') }}

),

sets_wanted as (

    select
        sends.campaign,
        sends.destination,
        coalesce(destination_audiences.audience, sends.audience_name) as audience,
        sends.customer_id
    from sends
    left join destination_audiences
        on
            sends.destination = destination_audiences.destination
            and sends.audience_name = destination_audiences.audience_name
    where sends.audience_name is not null

)

select
    'message' as kind,
    sends.message_id as decided,
    messages.message_id as planned
from (
    select message_id
    from sends
    where audience_name is null
) as sends
full outer join messages
    on sends.message_id = messages.message_id
where sends.message_id is null or messages.message_id is null

union all

select
    'membership' as kind,
    sets_wanted.destination || '/' || sets_wanted.audience as decided,
    members_counted.destination || '/' || members_counted.audience as planned
from sets_wanted
full outer join members_counted
    on
        sets_wanted.campaign = members_counted.campaign
        and sets_wanted.destination = members_counted.destination
        and sets_wanted.audience = members_counted.audience
        and sets_wanted.customer_id = members_counted.customer_id
where
    members_counted.customer_id is null
    or (sets_wanted.customer_id is null and members_counted.is_added = 1)
