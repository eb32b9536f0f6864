-- What a profile can be recognised by: one row per profile, kind of key and value. Kinds of more than one part
-- (a name with a date of birth) only say which profiles are worth comparing.
with profiles as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        loyalty_number,
        account_id,
        birth_date,
        {{ name_key('first_name') }} as first_name,
        {{ name_key('last_name') }} as last_name,
        {{ name_key('postal_code') }} as postal_code,
        {{ street_key('address', 'postal_code', 'country') }} as street
    from {{ ref('int_profiles_cleaned') }}

),

devices as (

    select
        profile_id,
        device_id
    from {{ ref('stg_crm__devices') }}
    where profile_id is not null

),

web_events as (

    select distinct
        profile_id,
        device_id
    from {{ ref('stg_web__events') }}
    where profile_id is not null and device_id is not null

),

devices_seen as (

    select
        profile_id,
        device_id
    from devices

    union

    select
        profile_id,
        device_id
    from web_events

)

select
    profile_id,
    'email' as key_kind,
    email_normalised as key_value
from profiles
where email_normalised is not null

union all

select
    profile_id,
    'loyalty_number' as key_kind,
    loyalty_number as key_value
from profiles
where loyalty_number is not null

union all

select
    profile_id,
    'phone' as key_kind,
    phone_e164 as key_value
from profiles
where phone_e164 is not null

union all

select
    devices_seen.profile_id,
    'device' as key_kind,
    devices_seen.device_id as key_value
from devices_seen
inner join profiles
    on devices_seen.profile_id = profiles.profile_id

union all

select
    profile_id,
    'address' as key_kind,
    street as key_value
from profiles
where street is not null

union all

select
    profile_id,
    'account' as key_kind,
    account_id || '|' || first_name || '|' || last_name as key_value
from profiles
where account_id is not null and first_name is not null and last_name is not null

union all

-- In the order of the alphabet, so that exchanged first and last names meet as well.
select
    profile_id,
    'full_name_birth_date' as key_kind,
    least(first_name, last_name) || '|' || greatest(first_name, last_name) || '|' || cast(birth_date as string)
        as key_value
from profiles
where birth_date is not null and first_name is not null and last_name is not null

union all

select
    profile_id,
    'last_name_birth_date_place' as key_kind,
    last_name || '|' || cast(birth_date as string) || '|' || postal_code as key_value
from profiles
where birth_date is not null and last_name is not null and postal_code is not null

union all

select
    profile_id,
    'first_name_birth_date_place' as key_kind,
    first_name || '|' || cast(birth_date as string) || '|' || postal_code as key_value
from profiles
where birth_date is not null and first_name is not null and postal_code is not null
