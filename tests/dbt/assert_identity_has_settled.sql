-- A link that still joins two clusters means that the rounds of connected_components did not suffice: two golden
-- customers would be one person, who could then be contacted twice.
with links as (

    select
        profile_id_a,
        profile_id_b
    from {{ ref('int_profile_links_found') }}

),

profiles_linked as (

    select
        profile_id,
        cluster_id
    from {{ ref('int_profiles_linked') }}

)

select
    links.profile_id_a,
    links.profile_id_b
from links
inner join profiles_linked as linked_a
    on links.profile_id_a = linked_a.profile_id
inner join profiles_linked as linked_b
    on links.profile_id_b = linked_b.profile_id
where linked_a.cluster_id <> linked_b.cluster_id
