-- Rule 10. When a message may leave: at its scheduled time, or at the next opening of the allowed hours at the
-- recipient's place. The most specific hours count: of the region, of the country, of the class. Where the zone is
-- unknown, only the hours that are allowed in every zone of the country count. One row per place, class and time.
with survivors as (

    select
        customer_id,
        quiet_hours_class,
        scheduled_at
    from {{ ref('decision_survivors') }}

),

recipients as (

    select
        customer_id,
        country,
        region,
        time_zone
    from {{ ref('decision_recipients') }}

),

quiet_hours as (

    select
        quiet_hours_class,
        country,
        region,
        opens_at_hour,
        closes_at_hour
    from {{ ref('quiet_hours') }}

),

zones as (

    select
        country,
        time_zone
    from {{ ref('time_zones') }}

),

days as (

    select cast(offsets.day_offset as int) as day_offset
    from range(-1, 3) as offsets (day_offset)

),

occasions as (

    select distinct
        recipients.country,
        coalesce(recipients.region, '') as region,
        coalesce(recipients.time_zone, 'unknown') as time_zone,
        survivors.quiet_hours_class,
        survivors.scheduled_at
    from survivors
    inner join recipients
        on survivors.customer_id = recipients.customer_id

),

hours_ranked as (

    select
        occasions.*,
        quiet_hours.opens_at_hour,
        quiet_hours.closes_at_hour,
        row_number() over (
            partition by
                occasions.country, occasions.region, occasions.time_zone, occasions.quiet_hours_class,
                occasions.scheduled_at
            order by quiet_hours.country desc nulls last, quiet_hours.region desc nulls last
        ) as hours_rank
    from occasions
    inner join quiet_hours
        on
            occasions.quiet_hours_class = quiet_hours.quiet_hours_class
            and coalesce(quiet_hours.country, occasions.country) = occasions.country
            and coalesce(quiet_hours.region, occasions.region) = occasions.region

),

places as (

    select
        hours_ranked.country,
        hours_ranked.region,
        hours_ranked.time_zone,
        hours_ranked.quiet_hours_class,
        hours_ranked.scheduled_at,
        hours_ranked.opens_at_hour,
        hours_ranked.closes_at_hour,
        coalesce(zones.time_zone, nullif(hours_ranked.time_zone, 'unknown')) as local_zone
    from hours_ranked
    left join zones
        on
            hours_ranked.time_zone = 'unknown'
            and hours_ranked.country = zones.country
    where hours_ranked.hours_rank = 1

),

local_days as (

    select
        places.*,
        cast({{ days_after('cast(cast(places.scheduled_at as date) as timestamp)', 'days.day_offset') }} as timestamp)
            as local_midnight
    from places
    cross join days

),

windows as (

    select
        country,
        region,
        time_zone,
        quiet_hours_class,
        scheduled_at,
        local_midnight,
        max({{ to_utc_time(hours_after('local_midnight', 'opens_at_hour'), 'local_zone') }}) as opens_at,
        min({{ to_utc_time(hours_after('local_midnight', 'closes_at_hour'), 'local_zone') }}) as closes_at
    from local_days
    group by country, region, time_zone, quiet_hours_class, scheduled_at, local_midnight

)

select
    country,
    region,
    time_zone,
    quiet_hours_class,
    scheduled_at,
    cast(min(
        case when greatest(opens_at, scheduled_at) < closes_at then greatest(opens_at, scheduled_at) end
    ) as timestamp) as send_not_before
from windows
group by country, region, time_zone, quiet_hours_class, scheduled_at
