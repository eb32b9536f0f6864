-- One row per golden customer, each attribute by its own rule. Contact addresses: the latest, but an address that is
-- nobody's own (a role's, a disposable one) only where there is no other. Names and birth date: the most trusted
-- system's, then the latest. The postal address: whole from the latest profile that has one. What people say of
-- themselves: the latest.
{%- set trust_of_unlisted_system = 1000 %}

with profiles as (

    select
        profile_id,
        source_system,
        email_normalised,
        phone_e164,
        first_name,
        last_name,
        company,
        loyalty_number,
        occupation,
        interests,
        address,
        postal_code,
        city,
        country,
        time_zone,
        time_zone_basis,
        language,
        account_id,
        has_role_email,
        has_disposable_email,
        coalesce(address, postal_code, city) is not null as has_place,
        birth_date,
        created_at,
        updated_at
    from {{ ref('int_profiles_cleaned') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

source_systems as (

    select
        source_system,
        trust_rank
    from {{ ref('source_systems') }}

),

-- Three orders of a customer's profiles; the highest number that has a value wins.
profiles_ranked as (

    select
        profiles_mapped.customer_id,
        profiles.*,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by profiles.updated_at asc nulls first, profiles.profile_id desc nulls last
        ) as recency,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by
                coalesce(source_systems.trust_rank, {{ trust_of_unlisted_system }}) desc nulls first,
                profiles.updated_at asc nulls first, profiles.profile_id desc nulls last
        ) as trust,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by
                profiles.has_disposable_email desc nulls first, profiles.has_role_email desc nulls first,
                profiles.updated_at asc nulls first, profiles.profile_id desc nulls last
        ) as ownership
    from profiles
    inner join profiles_mapped
        on profiles.profile_id = profiles_mapped.profile_id
    left join source_systems
        on profiles.source_system = source_systems.source_system

)

select
    customer_id,
    max_by(email_normalised, case when email_normalised is not null then ownership end) as email,
    max_by(phone_e164, case when phone_e164 is not null then recency end) as phone,
    max_by(first_name, case when first_name is not null then trust end) as first_name,
    max_by(last_name, case when last_name is not null then trust end) as last_name,
    max_by(company, case when company is not null then recency end) as company,
    max_by(loyalty_number, case when loyalty_number is not null then trust end) as loyalty_number,
    max_by(occupation, case when occupation is not null then recency end) as occupation,
    max_by(interests, case when interests is not null then recency end) as interests,
    nullif(max_by(coalesce(address, ''), case when has_place then recency end), '') as address,
    nullif(max_by(coalesce(postal_code, ''), case when has_place then recency end), '') as postal_code,
    nullif(max_by(coalesce(city, ''), case when has_place then recency end), '') as city,
    coalesce(
        nullif(max_by(coalesce(country, ''), case when has_place then recency end), ''),
        max_by(country, case when country is not null then recency end)
    ) as country,
    coalesce(
        max_by(time_zone, case when time_zone_basis = 'stated' then recency end),
        max_by(time_zone, case when time_zone_basis = 'country' then recency end)
    ) as time_zone,
    case
        when max(case when time_zone_basis = 'stated' then 1 else 0 end) = 1 then 'stated'
        when max(case when time_zone_basis = 'country' then 1 else 0 end) = 1 then 'country'
        else 'unknown'
    end as time_zone_basis,
    max_by(language, case when language is not null then recency end) as language,
    max_by(account_id, case when account_id is not null then recency end) as account_id,
    cast(count(*) as int) as profile_count,
    coalesce(max_by(has_role_email, case when email_normalised is not null then ownership end), false)
        as has_role_email,
    coalesce(max_by(has_disposable_email, case when email_normalised is not null then ownership end), false)
        as has_disposable_email,
    max_by(birth_date, case when birth_date is not null then trust end) as birth_date,
    min(created_at) as created_at
from profiles_ranked
group by customer_id
