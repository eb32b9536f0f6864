-- How many people each channel reaches for each purpose at all: they have an address there, and consent allows it.
with addresses as (

    select
        customer_id,
        channel
    from {{ ref('decision_addresses') }}

),

channel_purposes as (

    select
        channel,
        purpose,
        consent_channel,
        consent_purpose,
        consent_rule
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

people_asked as (

    select
        channel_purposes.channel,
        channel_purposes.purpose,
        addresses.customer_id,
        {{ consent_reason('consents.state', 'channel_purposes.consent_rule') }} as reason
    from channel_purposes
    inner join addresses
        on channel_purposes.channel = addresses.channel
    left join consents
        on
            addresses.customer_id = consents.customer_id
            and channel_purposes.consent_channel = consents.channel
            and channel_purposes.consent_purpose = consents.purpose

)

select
    channel,
    purpose,
    count(distinct customer_id) as people_contactable
from people_asked
where reason is null
group by channel, purpose
