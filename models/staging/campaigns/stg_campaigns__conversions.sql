with conversions as (

    select
        conversion_id,
        campaign,
        profile_id,
        converted_at,
        value,
        currency,
        _loaded_at,
        _source_file
    from {{ source('campaigns', 'conversions') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by conversion_id, profile_id, campaign
            order by _loaded_at desc nulls last, _source_file desc nulls last, value desc nulls last
        ) as version_rank,
        min(converted_at) over (partition by conversion_id, profile_id, campaign) as first_converted_at
    from conversions

)

select
    conversion_id,
    profile_id,
    campaign,
    upper(nullif(trim(currency), '')) as currency,
    cast(value as decimal(18, 4)) as conversion_value,
    first_converted_at as converted_at
from versions_ranked
where version_rank = 1
