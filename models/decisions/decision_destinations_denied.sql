-- Which destinations may not be told of whom, because consents that the destination itself asks for, beside that of
-- channel and purpose, are not in force: withdrawn or lapsed wherever the person lives, or never given where it asks
-- for them (such as Google's two, for people in the European Economic Area).
with destination_consents as (

    select
        destination,
        consent_channel,
        consent_purpose,
        area
    from {{ ref('destination_consents') }}

),

country_areas as (

    select
        area,
        country
    from {{ ref('country_areas') }}

),

recipients as (

    select
        customer_id,
        country
    from {{ ref('decision_recipients') }}

),

consents as (

    select
        customer_id,
        channel,
        purpose,
        state
    from {{ ref('int_consents_resolved') }}

),

not_in_force as (

    select
        destination_consents.destination,
        consents.customer_id
    from consents
    inner join destination_consents
        on
            consents.channel = destination_consents.consent_channel
            and consents.purpose = destination_consents.consent_purpose
    where consents.state <> 'granted'

),

never_given as (

    select
        destination_consents.destination,
        recipients.customer_id
    from recipients
    inner join country_areas
        on recipients.country = country_areas.country
    inner join destination_consents
        on country_areas.area = destination_consents.area
    left join consents
        on
            recipients.customer_id = consents.customer_id
            and destination_consents.consent_channel = consents.channel
            and destination_consents.consent_purpose = consents.purpose
    where consents.customer_id is null

)

select
    destination,
    customer_id
from not_in_force

union distinct

select
    destination,
    customer_id
from never_given
