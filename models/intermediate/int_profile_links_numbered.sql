-- The links as pairs of small numbers: components are found several times faster among numbers than among names.
with links as (

    select
        profile_id_a,
        profile_id_b
    from {{ ref('int_profile_links_found') }}

),

profiles_linked as (

    select profile_id_a as profile_id
    from links

    union

    select profile_id_b as profile_id
    from links

),

profiles_numbered as (

    select
        profile_id,
        cast(row_number() over (order by profile_id asc nulls last) as bigint) as node
    from profiles_linked

)

select distinct
    links.profile_id_a,
    links.profile_id_b,
    nodes_a.node as node_a,
    nodes_b.node as node_b
from links
inner join profiles_numbered as nodes_a
    on links.profile_id_a = nodes_a.profile_id
inner join profiles_numbered as nodes_b
    on links.profile_id_b = nodes_b.profile_id
