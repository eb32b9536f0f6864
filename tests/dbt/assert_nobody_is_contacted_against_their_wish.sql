-- Asked once more of what is about to leave, apart from the rules: the purpose is one of the channel's, the consent
-- that it asks for is in force, nobody has said no to it, and of what is a contact nothing stands against the person on
-- the channel whose wishes count, for this campaign or for all; and the consents that the destination itself asks for
-- are in force where it asks for them, and withdrawn by nobody. Removals from sets are always allowed.
with outboxes as (

    select
        campaign,
        customer_id,
        channel,
        destination,
        purpose
    from {{ ref('outbox_messages') }}

    union all

    select
        campaign,
        customer_id,
        channel,
        destination,
        purpose
    from {{ ref('outbox_memberships') }}
    where operation = 'add'

),

outboxes_asked as (

    select
        outboxes.campaign,
        outboxes.customer_id,
        outboxes.channel,
        outboxes.purpose,
        channel_purposes.consent_rule,
        channel_purposes.consent_channel,
        channel_purposes.consent_purpose,
        channel_purposes.is_contact,
        coalesce(channel_purposes.consent_channel, outboxes.channel) as asked_channel
    from outboxes
    left join {{ ref('channel_purposes') }} as channel_purposes
        on
            outboxes.channel = channel_purposes.channel
            and outboxes.purpose = channel_purposes.purpose

)

select
    outboxes_asked.campaign,
    outboxes_asked.channel,
    outboxes_asked.purpose,
    consents.state as consent,
    suppressions.reason as suppression
from outboxes_asked
left join {{ ref('int_consents_resolved') }} as consents
    on
        outboxes_asked.customer_id = consents.customer_id
        and outboxes_asked.consent_channel = consents.channel
        and outboxes_asked.consent_purpose = consents.purpose
left join {{ ref('int_suppressions_resolved') }} as suppressions
    on
        outboxes_asked.customer_id = suppressions.customer_id
        and suppressions.channel in (outboxes_asked.asked_channel, 'all')
        and coalesce(suppressions.campaign, outboxes_asked.campaign) = outboxes_asked.campaign
where
    outboxes_asked.consent_rule is null
    or (outboxes_asked.consent_rule <> 'none' and consents.state = 'withdrawn')
    or (outboxes_asked.consent_rule = 'granted' and coalesce(consents.state, 'unknown') <> 'granted')
    or (outboxes_asked.is_contact and suppressions.reason is not null)

union all

select
    outboxes.campaign,
    outboxes.channel,
    destination_consents.consent_purpose as purpose,
    consents.state as consent,
    cast(null as string) as suppression
from outboxes
inner join {{ ref('destination_consents') }} as destination_consents
    on outboxes.destination = destination_consents.destination
left join {{ ref('int_consents_resolved') }} as consents
    on
        outboxes.customer_id = consents.customer_id
        and destination_consents.consent_channel = consents.channel
        and destination_consents.consent_purpose = consents.purpose
left join {{ ref('dim_customers') }} as customers
    on outboxes.customer_id = customers.customer_id
left join {{ ref('country_areas') }} as country_areas
    on
        customers.country = country_areas.country
        and destination_consents.area = country_areas.area
where
    consents.state in ('withdrawn', 'expired')
    or (consents.state is null and country_areas.area is not null)
