-- By which id each source system knows the customer: of several profiles there, the one that is there longest.
with profiles as (

    select
        profile_id,
        source_system,
        created_at
    from {{ ref('stg_crm__profiles') }}
    where source_system is not null

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
        profiles.source_system,
        profiles.profile_id,
        row_number() over (
            partition by profiles_mapped.customer_id, profiles.source_system
            order by profiles.created_at asc nulls last, profiles.profile_id asc nulls last
        ) as profile_rank
    from profiles
    inner join profiles_mapped
        on profiles.profile_id = profiles_mapped.profile_id

)

select
    customer_id,
    source_system,
    profile_id as external_id
from profiles_ranked
where profile_rank = 1
