-- A key that still connects two clusters means that the rounds of int_profiles_linked did not suffice: two
-- golden customers would be one person, who could then be contacted twice.
with profiles_linked as (

    select
        email_key,
        phone_key,
        cluster_id
    from {{ ref('int_profiles_linked') }}

)

select email_key as shared_key
from profiles_linked
group by email_key
having count(distinct cluster_id) > 1

union all

select phone_key as shared_key
from profiles_linked
group by phone_key
having count(distinct cluster_id) > 1
