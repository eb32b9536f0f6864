-- Which customers an e-mail address or a phone number belongs to, through any of their profiles.
with profiles_mapped as (

    select
        profile_id,
        customer_id,
        email_normalised,
        phone_e164
    from {{ ref('int_profiles_mapped') }}

)

select
    customer_id,
    'profile' as kind,
    profile_id as contact_point
from profiles_mapped

union all

select distinct
    customer_id,
    'email' as kind,
    email_normalised as contact_point
from profiles_mapped
where email_normalised is not null

union all

select distinct
    customer_id,
    'phone' as kind,
    phone_e164 as contact_point
from profiles_mapped
where phone_e164 is not null
