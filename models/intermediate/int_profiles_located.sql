-- In which country and time zone each profile is, as far as what it says can be understood. A zone that does not exist
-- falls back to the country's default; where a country has none because its zones differ, it stays unknown.
with profiles as (

    select
        profile_id,
        upper({{ one_line('country') }}) as country_spelling,
        lower({{ one_line('timezone') }}) as zone_spelling
    from {{ ref('stg_crm__profiles') }}

),

countries as (

    select
        country,
        alpha_3,
        country_name
    from {{ ref('countries') }}

),

country_aliases as (

    select
        alias,
        country
    from {{ ref('country_aliases') }}

),

time_zones as (

    select
        country,
        time_zone,
        is_country_default
    from {{ ref('time_zones') }}

),

time_zone_aliases as (

    select
        alias,
        time_zone
    from {{ ref('time_zone_aliases') }}

),

-- Distinct: a country's alpha-3 code or one of its aliases can be spelt like its name.
countries_spelt as (

    select
        country as spelling,
        country
    from countries

    union distinct

    select
        alpha_3 as spelling,
        country
    from countries

    union distinct

    select
        upper(country_name) as spelling,
        country
    from countries

    union distinct

    select
        upper(alias) as spelling,
        country
    from country_aliases

),

zones_spelt as (

    select
        lower(time_zone) as spelling,
        time_zone
    from time_zones

    union distinct

    select
        lower(alias) as spelling,
        time_zone
    from time_zone_aliases

),

country_zones as (

    select
        country,
        time_zone
    from time_zones
    where is_country_default

)

select
    profiles.profile_id,
    countries_spelt.country,
    coalesce(zones_spelt.time_zone, country_zones.time_zone) as time_zone,
    case
        when zones_spelt.time_zone is not null then 'stated'
        when country_zones.time_zone is not null then 'country'
        else 'unknown'
    end as time_zone_basis,
    profiles.zone_spelling is not null and zones_spelt.time_zone is null as has_invalid_time_zone
from profiles
left join countries_spelt
    on profiles.country_spelling = countries_spelt.spelling
left join zones_spelt
    on profiles.zone_spelling = zones_spelt.spelling
left join country_zones
    on countries_spelt.country = country_zones.country
