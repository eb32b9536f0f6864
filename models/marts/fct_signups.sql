-- Each customer's sign-up: the first profile we came to know. What counts is when we knew, so that a row that arrives
-- late is a late sign-up and not one that an earlier cut missed.
with profiles as (

    select
        profile_id,
        created_at,
        first_loaded_at
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
        profiles.profile_id,
        profiles_mapped.customer_id,
        profiles.created_at,
        profiles.first_loaded_at,
        row_number() over (
            partition by profiles_mapped.customer_id
            order by profiles.first_loaded_at asc nulls last, profiles.profile_id asc nulls last
        ) as profile_rank
    from profiles
    inner join profiles_mapped
        on profiles.profile_id = profiles_mapped.profile_id

)

select
    profile_id as signup_id,
    customer_id,
    created_at as signed_up_at,
    first_loaded_at as known_at
from profiles_ranked
where profile_rank = 1
