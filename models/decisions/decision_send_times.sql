-- Rule 10. When a message may leave: at its scheduled time, or at the next opening of the allowed hours at the
-- recipient's place. Where the place is unknown, only the hours that are allowed in every zone from New York
-- to Honolulu count. One row per zone, class and scheduled time.
with candidates as (

    select
        customer_id,
        channel,
        quiet_hours_class,
        scheduled_at
    from {{ ref('decision_candidates') }}

),

addresses as (

    select
        customer_id,
        channel,
        time_zone
    from {{ ref('decision_addresses') }}

),

quiet_hours as (

    select
        quiet_hours_class,
        opens_at_hour,
        closes_at_hour
    from {{ ref('quiet_hours') }}

),

occasions as (

    select distinct
        coalesce(addresses.time_zone, 'unknown') as time_zone,
        coalesce(addresses.time_zone, 'Pacific/Honolulu') as opening_zone,
        coalesce(addresses.time_zone, 'America/New_York') as closing_zone,
        candidates.quiet_hours_class,
        candidates.scheduled_at
    from candidates
    inner join addresses
        on
            candidates.customer_id = addresses.customer_id
            and candidates.channel = addresses.channel

),

local_days as (

    select
        occasions.*,
        quiet_hours.opens_at_hour,
        quiet_hours.closes_at_hour,
        cast(cast({{ to_local_time('occasions.scheduled_at', 'occasions.opening_zone') }} as date) as timestamp)
            as local_midnight
    from occasions
    inner join quiet_hours
        on occasions.quiet_hours_class = quiet_hours.quiet_hours_class

),

windows as (

    select
        *,
        {{ to_utc_time(hours_after('local_midnight', 'opens_at_hour'), 'opening_zone') }} as opens_at,
        {{ to_utc_time(hours_after('local_midnight', 'closes_at_hour'), 'closing_zone') }} as closes_at,
        {{ to_utc_time(hours_after('local_midnight', 'opens_at_hour + 24'), 'opening_zone') }} as reopens_at
    from local_days

)

select
    time_zone,
    quiet_hours_class,
    scheduled_at,
    cast(case
        when scheduled_at < opens_at then opens_at
        when scheduled_at < closes_at then scheduled_at
        else reopens_at
    end as timestamp) as send_not_before
from windows
