-- What no type and no key can say of the seeds that hold policy; each row is a sentence about one of them.
with problems as (

    select 'frequency_caps: ' || cap || ' allows less than one contact; close the channel instead' as problem
    from {{ ref('frequency_caps') }}
    where max_contacts < 1 or window_days < 1

    union all

    select 'quiet_hours: ' || quiet_hours_class || ' opens after it closes, or beyond a day' as problem
    from {{ ref('quiet_hours') }}
    where opens_at_hour < 0 or closes_at_hour > 24 or opens_at_hour >= closes_at_hour

    union all

    select 'quiet_hours: a region of ' || quiet_hours_class || ' needs its country' as problem
    from {{ ref('quiet_hours') }}
    where region is not null and country is null

    union all

    select 'holdouts: the share of ' || holdout || ' is not between 0 and 1' as problem
    from {{ ref('holdouts') }}
    where share < 0 or share > 1 or rotates not in ('never', 'quarterly')

    union all

    select 'markets: there has to be one home market' as problem
    from {{ ref('markets') }}
    having sum(case when is_home then 1 else 0 end) <> 1

    union all

    select 'markets: ' || market || ' has two countries; rules look a market up by its name' as problem
    from {{ ref('markets') }}
    group by market
    having count(*) > 1

    union all

    select 'sequence_steps: the steps of ' || campaign || ' do not count from 1 without a gap' as problem
    from {{ ref('sequence_steps') }}
    group by campaign
    having min(step) <> 1 or max(step) <> count(*)

    union all

    select 'volume_batches: ' || campaign || ' needs a size and a wait of at least 1' as problem
    from {{ ref('volume_batches') }}
    where batch_size < 1 or longest_wait_days < 1

    union all

    select 'offers: ' || offer || ' ends before it begins' as problem
    from {{ ref('offers') }}
    where valid_until < valid_from

    union all

    select 'campaign_offers: two ranges of ' || one.campaign || ' share a value' as problem
    from {{ ref('campaign_offers') }} as one
    inner join {{ ref('campaign_offers') }} as another
        on
            one.campaign = another.campaign
            and coalesce(one.value_tier, '') = coalesce(another.value_tier, '')
            and one.predicted_value_from < another.predicted_value_from
    where coalesce(one.predicted_value_below > another.predicted_value_from, true)

    union all

    select 'channel_purposes: ' || channel || '/' || purpose || ' asks for a consent that it does not name' as problem
    from {{ ref('channel_purposes') }}
    where
        consent_rule not in ('granted', 'not_withdrawn', 'none')
        or (consent_rule <> 'none' and (consent_channel is null or consent_purpose is null))

    union all

    select 'destination_consents: no country is in the area ' || destination_consents.area as problem
    from {{ ref('destination_consents') }} as destination_consents
    left join {{ ref('country_areas') }} as country_areas
        on destination_consents.area = country_areas.area
    where country_areas.area is null

    union all

    select 'set_destinations: ' || set_destinations.destination || ' has a forbidden channel and purpose' as problem
    from {{ ref('set_destinations') }} as set_destinations
    left join {{ ref('channel_purposes') }} as channel_purposes
        on
            set_destinations.channel = channel_purposes.channel
            and set_destinations.purpose = channel_purposes.purpose
    where channel_purposes.channel is null

    union all

    select 'campaign_guards: there is no campaign ' || campaign as problem
    from {{ ref('campaign_guards') }}
    where campaign not in ('{{ campaign_priority() | join("', '") }}')

    union all

    select 'deliverability_limits: ' || channel || '/' || measure || ' is held before its approver is asked' as problem
    from {{ ref('deliverability_limits') }}
    where hold_from < approve_from

)

select problem
from problems
