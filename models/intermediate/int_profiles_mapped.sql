-- The golden customer of each profile. An id once given is kept: the largest part of a cluster's profiles
-- that had one id at the latest freeze keeps it; when a cluster splits, the smaller part gets a new id.
with profiles_linked as (

    select
        profile_id,
        cluster_id
    from {{ ref('int_profiles_linked') }}

),

profile_customers as (

    select
        profile_id,
        customer_id
    from {{ ref('stg_ledger__profile_customers') }}
    where is_latest

),

profiles as (

    select
        profile_id,
        email_normalised,
        phone_e164
    from {{ ref('int_profiles_cleaned') }}

),

earlier_ids_counted as (

    select
        profiles_linked.cluster_id,
        profile_customers.customer_id,
        count(*) as profile_count
    from profiles_linked
    inner join profile_customers
        on profiles_linked.profile_id = profile_customers.profile_id
    group by profiles_linked.cluster_id, profile_customers.customer_id

),

-- Each cluster asks for the id that most of its profiles had …
ids_asked_for as (

    select
        cluster_id,
        customer_id,
        profile_count,
        row_number() over (
            partition by cluster_id
            order by profile_count desc nulls last, customer_id asc nulls last
        ) as choice
    from earlier_ids_counted

),

-- … and each id goes to the cluster that asks with most profiles.
ids_granted as (

    select
        cluster_id,
        customer_id,
        row_number() over (
            partition by customer_id
            order by profile_count desc nulls last, cluster_id asc nulls last
        ) as grant_rank
    from ids_asked_for
    where choice = 1

),

clusters_named as (

    select
        cluster_id,
        max(case when grant_rank = 1 then customer_id end) as kept_id,
        md5('customer|' || cluster_id || '|' || coalesce(max(customer_id), '')) as new_id
    from (
        select distinct
            profiles_linked.cluster_id,
            ids_granted.customer_id,
            ids_granted.grant_rank
        from profiles_linked
        left join ids_granted
            on profiles_linked.cluster_id = ids_granted.cluster_id
    ) as clusters
    group by cluster_id

)

select
    profiles_linked.profile_id,
    coalesce(clusters_named.kept_id, clusters_named.new_id) as customer_id,
    profiles.email_normalised,
    profiles.phone_e164
from profiles_linked
inner join clusters_named
    on profiles_linked.cluster_id = clusters_named.cluster_id
inner join profiles
    on profiles_linked.profile_id = profiles.profile_id
