-- Each profile with its values in one form: what cannot be so is null, what is doubtful is flagged, nobody is dropped.
-- (Letters with accents are composed at landing, because not every engine can.)
{%- set placeholder_names = [
    'n/a', 'n.a.', 'n.a', 'none', 'unknown', 'anonymous', 'undefined', 'test', 'tester', 'xxx', 'no name', 'noname',
    'not available', 'not provided', 'not given', 'first name', 'firstname', 'last name', 'lastname', 'surname',
    '-', '--', '---', '.', '..', '...', '?', '??', '???', '*', '_', '/'
] %}  {#- not 'null' and not 'na': people are called Null and Na #}
{%- set earliest_birth_date = '1900-01-02' %}  {#- 1900-01-01 is what systems store for "unknown" #}
{%- set shortest_loyalty_number = 4 %}

with profiles as (

    select
        profile_id,
        source_system,
        email,
        email_normalised,
        split_part(email_normalised, '@', 2) as email_domain,
        split_part(split_part(email_normalised, '@', 1), '+', 1) as email_mailbox,
        phone_e164,
        {{ one_line('first_name') }} as first_name,
        {{ one_line('last_name') }} as last_name,
        {{ one_line('company') }} as company,
        replace(replace(upper({{ one_line('loyalty_number') }}), ' ', ''), '-', '') as loyalty_number,
        {{ one_line('occupation') }} as occupation,
        {{ one_line(replace_all('lower(interests)', '\\s*[;,|\\r\\n][;,|\\s]*', ';')) }} as interests,
        {{ one_line('address') }} as address,
        {{ one_line('postal_code') }} as postal_code,
        {{ one_line('city') }} as city,
        language,
        account_id,
        lifecycle_stage,
        birth_date,
        created_at,
        updated_at,
        loaded_at
    from {{ ref('stg_crm__profiles') }}

),

profiles_located as (

    select
        profile_id,
        country,
        time_zone,
        time_zone_basis,
        has_invalid_time_zone
    from {{ ref('int_profiles_located') }}

),

role_local_parts as (

    select local_part
    from {{ ref('role_local_parts') }}

),

disposable_domains as (

    select domain
    from {{ ref('disposable_domains') }}

)

select
    profiles.profile_id,
    profiles.source_system,
    profiles.email,
    profiles.email_normalised,
    profiles.email_domain,
    profiles.phone_e164,
    {%- for name in ['first_name', 'last_name', 'company'] %}
    case
        when lower(profiles.{{ name }}) not in ('{{ placeholder_names | join("', '") }}')
            then profiles.{{ name }}
    end as {{ name }},
    {%- endfor %}
    case
        when
            length(profiles.loyalty_number) >= {{ shortest_loyalty_number }}
            and replace(profiles.loyalty_number, substr(profiles.loyalty_number, 1, 1), '') <> ''
            then profiles.loyalty_number
    end as loyalty_number,
    profiles.occupation,
    nullif(trim(both ';' from profiles.interests), '') as interests,
    profiles.address,
    profiles.postal_code,
    profiles.city,
    profiles_located.country,
    profiles_located.time_zone,
    profiles_located.time_zone_basis,
    profiles.language,
    profiles.account_id,
    profiles.lifecycle_stage,
    role_local_parts.local_part is not null as has_role_email,
    disposable_domains.domain is not null as has_disposable_email,
    profiles_located.has_invalid_time_zone,
    case
        when
            profiles.birth_date >= cast('{{ earliest_birth_date }}' as date)
            and profiles.birth_date <= cast({{ as_of() }} as date)
            then profiles.birth_date
    end as birth_date,
    profiles.created_at,
    profiles.updated_at,
    profiles.loaded_at
from profiles
inner join profiles_located
    on profiles.profile_id = profiles_located.profile_id
left join role_local_parts
    on profiles.email_mailbox = role_local_parts.local_part
left join disposable_domains
    on profiles.email_domain = disposable_domains.domain
