with sends as (

    select
        send_id,
        campaign,
        profile_id,
        channel,
        sent_at
    from {{ source('campaigns', 'sends') }}
    where _loaded_at < {{ as_of() }}

)

select
    send_id,
    profile_id,
    campaign,
    channel,
    min(sent_at) as sent_at
from sends
group by send_id, profile_id, campaign, channel
