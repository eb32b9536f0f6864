-- Whose event it was: the customer of the profile that was logged in, else whoever the device belonged to at that
-- moment. Of the address only the path is kept: what follows a question mark can name a person.
with events as (

    select
        event_id,
        profile_id,
        device_id,
        case when profile_id is null then device_id end as signed_out_device_id,
        event_type,
        product_id,
        split_part(split_part(url, '?', 1), '#', 1) as url_bare,
        occurred_at
    from {{ ref('stg_web__events') }}
    where occurred_at < {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

devices_stitched as (

    select
        device_id,
        customer_id,
        stitched_from,
        stitched_until
    from {{ ref('int_devices_stitched') }}

),

-- Without scheme: shop.example.com/offers; a bare path begins with its stroke.
urls_shortened as (

    select
        *,
        case when url_bare like '%://%' then split_part(url_bare, '://', 2) else url_bare end as host_and_path
    from events

),

paths_cut as (

    select
        *,
        coalesce(
            nullif(substr(host_and_path, length(split_part(host_and_path, '/', 1)) + 1), ''),
            case when host_and_path is not null then '/' end
        ) as url_path
    from urls_shortened

)

select
    paths_cut.event_id,
    coalesce(profiles_mapped.customer_id, devices_stitched.customer_id) as customer_id,
    paths_cut.profile_id,
    paths_cut.device_id,
    paths_cut.event_type,
    paths_cut.url_path,
    case
        when paths_cut.url_path is not null
            then coalesce(nullif(lower(split_part(paths_cut.url_path, '/', 2)), ''), 'home')
    end as page_section,
    paths_cut.product_id,
    devices_stitched.customer_id is not null as is_stitched,
    paths_cut.occurred_at
from paths_cut
left join profiles_mapped
    on paths_cut.profile_id = profiles_mapped.profile_id
left join devices_stitched
    on
        paths_cut.signed_out_device_id = devices_stitched.device_id
        and paths_cut.occurred_at >= devices_stitched.stitched_from
        and paths_cut.occurred_at < devices_stitched.stitched_until
