-- A spelling of two countries would double every profile that uses it.
with spellings as (

    select
        country as spelling,
        country
    from {{ ref('countries') }}

    union distinct

    select
        alpha_3 as spelling,
        country
    from {{ ref('countries') }}

    union distinct

    select
        upper(country_name) as spelling,
        country
    from {{ ref('countries') }}

    union distinct

    select
        upper(alias) as spelling,
        country
    from {{ ref('country_aliases') }}

)

select
    spelling,
    count(*) as country_count
from spellings
group by spelling
having count(*) > 1
