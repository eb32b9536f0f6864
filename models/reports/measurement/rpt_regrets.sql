-- What would not have been sent with what is known now, of each run, campaign and slot, with its cost. One row per
-- reason, and one without for what nobody regrets: together they are all attempts.
with attempts as (

    select
        attempt_id,
        run_id,
        customer_id,
        kind,
        campaign,
        slot,
        destination
    from {{ ref('int_attempts_collected') }}

),

regrets as (

    select
        attempt_id,
        run_id,
        reason,
        is_withdrawn,
        hours_late
    from {{ ref('fct_regrets') }}

),

sends as (

    select
        send_id,
        run_id,
        cost_reporting
    from {{ ref('fct_sends') }}
    where origin = 'muster'

)

select
    attempts.run_id,
    attempts.campaign,
    attempts.slot,
    attempts.kind,
    attempts.destination,
    coalesce(regrets.reason, 'none') as reason,
    cast(count(*) as bigint) as attempts,
    cast(count(distinct attempts.customer_id) as bigint) as people,
    {{ share_of(
        'count(*)',
        'sum(count(*)) over (partition by attempts.run_id, attempts.campaign, attempts.slot, attempts.kind,'
        ~ ' attempts.destination)'
    ) }} as attempt_share,
    cast(sum(case when regrets.is_withdrawn then 1 else 0 end) as bigint) as withdrawn,
    cast(median(regrets.hours_late) as double) as median_hours_late,
    cast(coalesce(sum(sends.cost_reporting), 0) as decimal(18, 6)) as cost
from attempts
left join regrets
    on
        attempts.attempt_id = regrets.attempt_id
        and attempts.run_id = regrets.run_id
left join sends
    on
        attempts.attempt_id = sends.send_id
        and attempts.kind = 'message'
group by
    attempts.run_id, attempts.campaign, attempts.slot, attempts.kind, attempts.destination,
    coalesce(regrets.reason, 'none')
