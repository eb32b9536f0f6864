-- Which profiles are one person, and by what. A key of 100 points links all its profiles to its first one; what
-- weighs less is added up for each pair that shares any of it, contradictions included.
{%- set linked_from_points = 100 %}
{%- set contradicting_date_parts = 2 %}  {#- of year, month and day: one alone is a slip of the pen #}
{%- set generation_years = 15 %}
{#- A name that hardly anybody has, one letter from the other, is that one mistyped; Jana and Jane are two sisters. #}
{%- set letters_mistyped = 1 %}
{%- set shortest_mistyped_name = 4 %}
{%- set known_name_from_profiles = 4 %}
{%- set evidences = {
    'phone': 'pairs.has_same_phone',
    'device': 'pairs.has_same_device',
    'address': 'pairs.has_same_address',
    'account': 'pairs.has_same_account',
    'birth_date': 'profiles_a.birth_date = profiles_b.birth_date',
    'last_name': 'profiles_a.last_name = profiles_b.last_name',
    'first_name': 'profiles_a.first_name = profiles_b.first_name',
    'names_swapped': 'profiles_a.first_name = profiles_b.last_name and profiles_a.last_name = profiles_b.first_name'
        ~ ' and profiles_a.first_name <> profiles_a.last_name',
    'nameless': 'coalesce(profiles_a.first_name, profiles_a.last_name, profiles_b.first_name, profiles_b.last_name)'
        ~ ' is null',
    'postal_code': 'profiles_a.postal_code = profiles_b.postal_code and not pairs.has_same_address',
    'similar_last_name': 'profiles_a.last_name <> profiles_b.last_name'
        ~ ' and levenshtein(profiles_a.last_name, profiles_b.last_name) <= ' ~ letters_mistyped
        ~ ' and least(length(profiles_a.last_name), length(profiles_b.last_name)) >= ' ~ shortest_mistyped_name
        ~ ' and least(profiles_a.last_namesakes, profiles_b.last_namesakes) < ' ~ known_name_from_profiles,
    'other_first_name': "profiles_a.first_name <> profiles_b.first_name"
        ~ " and profiles_a.first_name <> coalesce(profiles_b.last_name, '')"
        ~ " and profiles_b.first_name <> coalesce(profiles_a.last_name, '')"
        ~ ' and not (least(length(profiles_a.first_name), length(profiles_b.first_name)) = 1'
        ~ ' and substr(profiles_a.first_name, 1, 1) = substr(profiles_b.first_name, 1, 1))'
        ~ ' and not (levenshtein(profiles_a.first_name, profiles_b.first_name) <= ' ~ letters_mistyped
        ~ ' and least(length(profiles_a.first_name), length(profiles_b.first_name)) >= ' ~ shortest_mistyped_name
        ~ ' and least(profiles_a.first_namesakes, profiles_b.first_namesakes) < ' ~ known_name_from_profiles ~ ')',
    'other_birth_date': 'case when extract(year from profiles_a.birth_date) <> extract(year from profiles_b.birth_date)'
        ~ ' then 1 else 0 end'
        ~ ' + case when extract(month from profiles_a.birth_date) <> extract(month from profiles_b.birth_date)'
        ~ ' then 1 else 0 end'
        ~ ' + case when extract(day from profiles_a.birth_date) <> extract(day from profiles_b.birth_date)'
        ~ ' then 1 else 0 end >= ' ~ contradicting_date_parts
        ~ ' or abs(extract(year from profiles_a.birth_date) - extract(year from profiles_b.birth_date)) >= '
        ~ generation_years,
} %}

with profiles as (

    select
        profile_id,
        birth_date,
        {{ name_key('first_name') }} as first_name,
        {{ name_key('last_name') }} as last_name,
        {{ name_key('postal_code') }} as postal_code,
        count(*) over (partition by {{ name_key('first_name') }}) as first_namesakes,
        count(*) over (partition by {{ name_key('last_name') }}) as last_namesakes
    from {{ ref('int_profiles_cleaned') }}

),

keys as (

    select
        profile_id,
        key_kind,
        key_value
    from {{ ref('int_profile_keys_collected') }}

),

keys_shared as (

    select
        key_kind,
        key_value,
        first_profile_id
    from {{ ref('int_profile_keys_shared') }}
    where not is_junk

),

pairs as (

    select
        profile_id_a,
        profile_id_b,
        has_same_phone,
        has_same_device,
        has_same_address,
        has_same_account
    from {{ ref('int_profile_pairs_found') }}

),

identity_rules as (

    select
        evidence,
        points
    from {{ ref('identity_rules') }}

),

points_by_evidence as (

    select
        {%- for evidence in evidences %}
        sum(case when evidence = '{{ evidence }}' then points else 0 end) as {{ evidence }},
        {%- endfor %}
        count(*) as rule_count
    from identity_rules

),

keys_that_link_alone as (

    select
        keys_shared.first_profile_id as profile_id_a,
        keys.profile_id as profile_id_b,
        keys.key_kind as evidence,
        identity_rules.points
    from keys_shared
    inner join identity_rules
        on keys_shared.key_kind = identity_rules.evidence
    inner join keys
        on
            keys_shared.key_kind = keys.key_kind
            and keys_shared.key_value = keys.key_value
            and keys_shared.first_profile_id <> keys.profile_id
    where identity_rules.points >= {{ linked_from_points }}

),

pairs_compared as (

    select
        pairs.profile_id_a,
        pairs.profile_id_b,
        {{ failing_reasons(evidences) }} as evidence,
        0
        {%- for evidence, condition in evidences.items() %}
        + case when {{ condition }} then points_by_evidence.{{ evidence }} else 0 end
        {%- endfor %} as points
    from pairs
    inner join profiles as profiles_a
        on pairs.profile_id_a = profiles_a.profile_id
    inner join profiles as profiles_b
        on pairs.profile_id_b = profiles_b.profile_id
    cross join points_by_evidence

)

select
    profile_id_a,
    profile_id_b,
    evidence,
    cast(points as int) as points
from keys_that_link_alone

union all

select
    profile_id_a,
    profile_id_b,
    evidence,
    cast(points as int) as points
from pairs_compared
where points >= {{ linked_from_points }}
