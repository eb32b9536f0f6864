with profiles as (

    select
        profile_id,
        updated_at
    from {{ ref('int_profiles_cleaned') }}
    where source_system = 'crm'

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    'crm_contacts' as audience,
    profiles_mapped.customer_id,
    'profiles in the CRM: ' || cast(count(*) as string) as qualified_by,
    max(profiles.updated_at) as qualified_at
from profiles
inner join profiles_mapped
    on profiles.profile_id = profiles_mapped.profile_id
group by profiles_mapped.customer_id
