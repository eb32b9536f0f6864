-- Is anything about a campaign, or about the list that it goes to, far from what is usual on such a day? A campaign
-- whose size swings by design (it states no share) is not compared by size.
with campaigns as (

    select
        campaign,
        channel,
        purpose,
        max_drop_share is not null as has_steady_size
    from {{ ref('campaign_sizes') }}

),

earlier_sizes as (

    select
        campaign,
        max_drop_share is not null as had_steady_size
    from {{ ref('decision_earlier_sizes') }}

),

expectations as (

    select
        measure,
        subject,
        consequence,
        compared_with,
        measured,
        usual,
        lowest,
        highest,
        is_anomalous
    from {{ ref('decision_expectations') }}
    where consequence in ('hold', 'approve') and highest is not null

),

expectations_of_campaigns as (

    select
        campaigns.campaign,
        expectations.*
    from campaigns
    inner join expectations
        on
            campaigns.campaign = expectations.subject
            and expectations.measure <> 'list_growth'
    left join earlier_sizes
        on campaigns.campaign = earlier_sizes.campaign
    -- Without candidates nobody says what swings: then what the campaign said when it had some counts.
    where
        expectations.measure not in ('audience_size', 'send_volume')
        or coalesce(campaigns.has_steady_size or (campaigns.channel is null and earlier_sizes.had_steady_size), false)

    union all

    select
        campaigns.campaign,
        expectations.*
    from campaigns
    inner join expectations
        on
            campaigns.channel = expectations.subject
            and expectations.measure = 'list_growth'
    where campaigns.purpose = 'marketing'

)

select
    campaign,
    'unusual_' || measure as guard,
    consequence,
    case
        when measure = 'audience_size' then 'the people in the audience'
        when measure = 'send_volume' then 'the people planned'
        when measure = 'unsubscribed' then 'the share of the last messages that were unsubscribed from'
        when measure = 'complained' then 'the share of the last messages that drew a complaint'
        else 'the consents newly given by ' || subject
    end || ' are ' || {{ plain_number('measured') }} || ' where ' || {{ plain_number('usual') }}
    || ' are usual (' || compared_with || ')'
    || coalesce(' and at least ' || {{ plain_number('lowest') }}, '') || ' and at most '
    || {{ plain_number('highest') }} || ' plausible: find out why before more leaves' as explanation,
    measured,
    case when measured < lowest then lowest else highest end as limit_value,
    is_anomalous as is_tripped
from expectations_of_campaigns
