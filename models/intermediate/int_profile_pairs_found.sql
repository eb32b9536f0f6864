-- Which profiles are worth comparing: pairs that share a key which does not link alone, and which keys those are.
{%- set links_alone_from_points = 100 %}

with keys as (

    select
        profile_id,
        key_kind,
        key_value
    from {{ ref('int_profile_keys_collected') }}

),

keys_shared as (

    select
        key_kind,
        key_value
    from {{ ref('int_profile_keys_shared') }}
    where not is_junk

),

identity_rules as (

    select
        evidence,
        points
    from {{ ref('identity_rules') }}

),

keys_to_compare as (

    select
        keys.profile_id,
        keys.key_kind,
        keys.key_value
    from keys
    inner join keys_shared
        on
            keys.key_kind = keys_shared.key_kind
            and keys.key_value = keys_shared.key_value
    left join identity_rules
        on keys.key_kind = identity_rules.evidence
    where coalesce(identity_rules.points, 0) < {{ links_alone_from_points }}

)

select
    keys_a.profile_id as profile_id_a,
    keys_b.profile_id as profile_id_b,
    max(case when keys_a.key_kind = 'phone' then 1 else 0 end) = 1 as has_same_phone,
    max(case when keys_a.key_kind = 'device' then 1 else 0 end) = 1 as has_same_device,
    max(case when keys_a.key_kind = 'address' then 1 else 0 end) = 1 as has_same_address,
    max(case when keys_a.key_kind = 'account' then 1 else 0 end) = 1 as has_same_account
from keys_to_compare as keys_a
inner join keys_to_compare as keys_b
    on
        keys_a.key_kind = keys_b.key_kind
        and keys_a.key_value = keys_b.key_value
        and keys_a.profile_id < keys_b.profile_id
group by keys_a.profile_id, keys_b.profile_id
