-- The keys that more than one profile has. One that very many have is nobody's: it links no one.
{%- set max_profiles_of_compound_key = 20 %}

with keys as (

    select
        profile_id,
        key_kind,
        key_value
    from {{ ref('int_profile_keys_collected') }}

),

identity_rules as (

    select
        evidence,
        max_profiles
    from {{ ref('identity_rules') }}

),

keys_counted as (

    select
        key_kind,
        key_value,
        min(profile_id) as first_profile_id,
        count(distinct profile_id) as profile_count
    from keys
    group by key_kind, key_value
    having count(distinct profile_id) > 1

)

select
    keys_counted.key_kind,
    keys_counted.key_value,
    keys_counted.first_profile_id,
    keys_counted.profile_count,
    keys_counted.profile_count > coalesce(identity_rules.max_profiles, {{ max_profiles_of_compound_key }}) as is_junk
from keys_counted
left join identity_rules
    on keys_counted.key_kind = identity_rules.evidence
