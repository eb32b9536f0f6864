-- The latest update of each profile known at as_of.
with profiles as (

    select
        profile_id,
        source_system,
        email,
        email_normalised,
        phone_e164,
        first_name,
        last_name,
        birth_date,
        company,
        loyalty_number,
        address,
        postal_code,
        city,
        country,
        timezone,
        language,
        occupation,
        interests,
        account_id,
        lifecycle_stage,
        created_at,
        updated_at,
        _loaded_at,
        _source_file
    from {{ source('crm', 'profiles') }}
    where _loaded_at < {{ as_of() }}

),

updates_ranked as (

    select
        *,
        row_number() over (
            partition by profile_id
            order by
                updated_at desc nulls last, _loaded_at desc nulls last, _source_file desc nulls last,
                email_normalised asc nulls last, phone_e164 asc nulls last
        ) as update_rank,
        min(_loaded_at) over (partition by profile_id) as first_loaded_at
    from profiles

)

select
    profile_id,
    source_system,
    trim(email) as email,
    email_normalised,
    phone_e164,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    nullif(trim(company), '') as company,
    nullif(trim(loyalty_number), '') as loyalty_number,
    nullif(trim(address), '') as address,
    nullif(trim(postal_code), '') as postal_code,
    nullif(trim(city), '') as city,
    upper(nullif(trim(country), '')) as country,
    nullif(trim(timezone), '') as timezone,
    lower(nullif(trim(language), '')) as language,
    nullif(trim(occupation), '') as occupation,
    nullif(trim(interests), '') as interests,
    account_id,
    lower(nullif(trim(lifecycle_stage), '')) as lifecycle_stage,
    birth_date,
    created_at,
    updated_at,
    first_loaded_at,
    _loaded_at as loaded_at
from updates_ranked
where update_rank = 1
