-- What each ad platform can find a customer by, in the form that this platform hashes: no two want the same.
{{ config(materialized='view') }}
{%- set gmail_domains = ['gmail.com', 'googlemail.com'] %}
{%- set anything_but_letters = '[^\\p{L}\\p{M}]' %}

with customers as (

    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        postal_code,
        country,
        split_part(split_part(email, '@', 1), '+', 1) as mailbox,
        split_part(email, '@', 2) as domain
    from {{ ref('dim_customers') }}

),

-- Meta keeps dots and suffixes, wants the number without its plus and names without punctuation.
meta as (

    select
        customer_id,
        'meta' as platform,
        email as email_to_hash,
        replace(phone, '+', '') as phone_to_hash,
        nullif({{ replace_all('lower(first_name)', anything_but_letters, '') }}, '') as first_name_to_hash,
        nullif({{ replace_all('lower(last_name)', anything_but_letters, '') }}, '') as last_name_to_hash,
        nullif(replace(lower(split_part(postal_code, '-', 1)), ' ', ''), '') as postal_code,
        lower(country) as country
    from customers

),

-- Google drops dots and suffixes of Gmail addresses alone, and takes a name only with its place.
google as (

    select
        customer_id,
        'google' as platform,
        case
            when domain not in ('{{ gmail_domains | join("', '") }}') then email
            when replace(mailbox, '.', '') <> '' then replace(mailbox, '.', '') || '@' || domain
        end as email_to_hash,
        phone as phone_to_hash,
        case when has_whole_address then lower(first_name) end as first_name_to_hash,
        case when has_whole_address then lower(last_name) end as last_name_to_hash,
        case when has_whole_address then postal_code end as postal_code,
        case when has_whole_address then country end as country
    from (
        select
            *,
            first_name || last_name || postal_code || country is not null as has_whole_address
        from customers
    ) as customers_addressed

),

platforms_joined as (

    select * from meta
    union all
    select * from google

)

select
    customer_id,
    platform,
    email_to_hash,
    phone_to_hash,
    first_name_to_hash,
    last_name_to_hash,
    postal_code,
    country
from platforms_joined
where email_to_hash is not null or phone_to_hash is not null or first_name_to_hash is not null
