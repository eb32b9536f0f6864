with preferences as (

    select
        customer_id,
        preference,
        preference_value,
        stated_at
    from {{ ref('dim_preferences') }}
    where preference_value is not null

),

customers as (

    select
        customer_id,
        split_part(interests, ';', 1) as first_interest
    from {{ ref('dim_customers') }}

),

readers as (

    select
        customer_id,
        stated_at
    from preferences
    where preference = 'newsletter_frequency' and preference_value <> 'never'

),

favourites as (

    select
        customer_id,
        preference_value as favourite_category
    from preferences
    where preference = 'favourite_category'

)

select
    'newsletter_readers' as audience,
    readers.customer_id,
    'newsletter group '
    || coalesce(favourites.favourite_category, nullif(customers.first_interest, ''), 'general') as qualified_by,
    readers.stated_at as qualified_at
from readers
inner join customers
    on readers.customer_id = customers.customer_id
left join favourites
    on readers.customer_id = favourites.customer_id
