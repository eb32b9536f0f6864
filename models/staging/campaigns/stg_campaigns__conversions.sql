with conversions as (

    select
        conversion_id,
        campaign,
        profile_id,
        converted_at
    from {{ source('campaigns', 'conversions') }}
    where _loaded_at < {{ as_of() }}

)

select
    conversion_id,
    profile_id,
    campaign,
    min(converted_at) as converted_at
from conversions
group by conversion_id, profile_id, campaign
