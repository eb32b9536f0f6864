-- One label for all profiles that share an e-mail address or a phone number, directly or through others.
-- Each round spreads the smallest label over one kind of key; a data test proves that it has settled.
{%- set rounds = 4 %}
{%- set junk_key_after_profiles = 20 %}

with profiles as (

    select
        profile_id,
        email_normalised,
        phone_e164
    from {{ ref('stg_crm__profiles') }}

),

-- A key that very many profiles share is a switchboard or a test address: it links nobody.
keys_counted as (

    select
        profile_id,
        email_normalised,
        phone_e164,
        count(*) over (partition by email_normalised) as profiles_with_email,
        count(*) over (partition by phone_e164) as profiles_with_phone
    from profiles

),

round_0 as (

    select
        profile_id,
        case
            when email_normalised is null or profiles_with_email > {{ junk_key_after_profiles }}
                then 'profile:' || profile_id
            else 'email:' || email_normalised
        end as email_key,
        case
            when phone_e164 is null or profiles_with_phone > {{ junk_key_after_profiles }}
                then 'profile:' || profile_id
            else 'phone:' || phone_e164
        end as phone_key,
        profile_id as label
    from keys_counted

),
{%- for round in range(1, rounds + 1) %}

labels_spread_by_email_{{ round }} as (

    select
        profile_id,
        email_key,
        phone_key,
        min(label) over (partition by email_key) as label
    from round_{{ round - 1 }}

),

round_{{ round }} as (

    select
        profile_id,
        email_key,
        phone_key,
        min(label) over (partition by phone_key) as label
    from labels_spread_by_email_{{ round }}

){% if not loop.last %},{% endif %}
{%- endfor %}

select
    profile_id,
    email_key,
    phone_key,
    label as cluster_id
from round_{{ rounds }}
