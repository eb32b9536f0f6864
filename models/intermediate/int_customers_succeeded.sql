-- Who stands today for a golden id that the ledger knows but identity no longer gives out, because its customer was
-- merged into another one: what was sent to the id, or complained of by it, still counts. An id in force has no row.
with profile_customers as (

    select
        profile_id,
        customer_id
    from {{ ref('stg_ledger__profile_customers') }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

customers_in_force as (

    select distinct customer_id
    from profiles_mapped

)

select distinct
    profile_customers.customer_id as earlier_customer_id,
    profiles_mapped.customer_id
from profile_customers
inner join profiles_mapped
    on profile_customers.profile_id = profiles_mapped.profile_id
left join customers_in_force
    on profile_customers.customer_id = customers_in_force.customer_id
where customers_in_force.customer_id is null
