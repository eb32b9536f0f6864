-- One row per golden customer: each attribute from the profile updated last that has it.
with profiles as (

    select
        profile_id,
        email,
        email_normalised,
        phone_e164,
        first_name,
        last_name,
        address,
        postal_code,
        city,
        country,
        timezone,
        language,
        account_id,
        created_at,
        updated_at
    from {{ ref('stg_crm__profiles') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

profiles_ranked as (

    select
        profiles_mapped.customer_id,
        profiles.*,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by profiles.updated_at asc nulls first, profiles.profile_id desc nulls last
        ) as recency
    from profiles
    inner join profiles_mapped
        on profiles.profile_id = profiles_mapped.profile_id

)

select
    customer_id,
    max_by(email_normalised, case when email_normalised is not null then recency end) as email,
    max_by(phone_e164, case when phone_e164 is not null then recency end) as phone,
    max_by(first_name, case when first_name is not null then recency end) as first_name,
    max_by(last_name, case when last_name is not null then recency end) as last_name,
    max_by(address, case when address is not null then recency end) as address,
    max_by(postal_code, case when postal_code is not null then recency end) as postal_code,
    max_by(city, case when city is not null then recency end) as city,
    max_by(country, case when country is not null then recency end) as country,
    max_by(timezone, case when timezone is not null then recency end) as timezone,
    max_by(language, case when language is not null then recency end) as language,
    max_by(account_id, case when account_id is not null then recency end) as account_id,
    cast(count(*) as int) as profile_count,
    min(created_at) as created_at
from profiles_ranked
group by customer_id
