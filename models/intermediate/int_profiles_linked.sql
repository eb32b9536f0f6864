-- One label for all profiles that are linked, directly or through others: the smallest profile id among them.
with profiles as (

    select profile_id
    from {{ ref('int_profiles_cleaned') }}

),

links_numbered as (

    select
        profile_id_a,
        profile_id_b,
        node_a,
        node_b
    from {{ ref('int_profile_links_numbered') }}

),

components as (

    {{ connected_components(ref('int_profile_links_numbered'), 'node_a', 'node_b') }}

),

nodes as (

    select
        profile_id_a as profile_id,
        node_a as node
    from links_numbered

    union

    select
        profile_id_b as profile_id,
        node_b as node
    from links_numbered

),

profiles_labelled as (

    select
        nodes.profile_id,
        min(nodes.profile_id) over (partition by components.label) as cluster_id
    from nodes
    inner join components
        on nodes.node = components.node

)

select
    profiles.profile_id,
    coalesce(profiles_labelled.cluster_id, profiles.profile_id) as cluster_id
from profiles
left join profiles_labelled
    on profiles.profile_id = profiles_labelled.profile_id
