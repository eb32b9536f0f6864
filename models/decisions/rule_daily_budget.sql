-- Rule 9, last. Of the winners whom no cap refused, each channel sends so many on a day (UTC), in priority order and
-- then in an order that is drawn anew for each slot; contacts made on or promised for that day count. The day is the
-- one on which the message may leave: quiet hours may move it to the next, and a late run sends what lies behind it.
with winners as (

    select
        candidate_id,
        slot,
        customer_id,
        channel,
        quiet_hours_class,
        step,
        priority,
        scheduled_at
    from {{ ref('decision_winners') }}

),

recipients as (

    select
        customer_id,
        country,
        coalesce(region, '') as region,
        coalesce(time_zone, 'unknown') as time_zone
    from {{ ref('decision_recipients') }}

),

send_times as (

    select
        country,
        region,
        time_zone,
        quiet_hours_class,
        scheduled_at,
        send_not_before
    from {{ ref('decision_send_times') }}

),

refused as (

    select candidate_id
    from {{ ref('rule_cap_allocation') }}

),

budgets as (

    select
        channel,
        max_messages
    from {{ ref('daily_budgets') }}

),

contacts_counted as (

    select
        channel,
        cast(contacted_at as date) as contact_date,
        count(*) as contact_count
    from {{ ref('fct_contacts') }}
    where contacted_at >= {{ days_before(as_of(), 1) }}
    group by channel, cast(contacted_at as date)

),

winners_timed as (

    select
        winners.candidate_id,
        winners.slot,
        winners.customer_id,
        winners.channel,
        winners.step,
        winners.priority,
        budgets.max_messages,
        cast(greatest(coalesce(send_times.send_not_before, winners.scheduled_at), {{ as_of() }}) as date) as send_date
    from winners
    inner join budgets
        on winners.channel = budgets.channel
    left join refused
        on winners.candidate_id = refused.candidate_id
    left join recipients
        on winners.customer_id = recipients.customer_id
    left join send_times
        on
            recipients.country = send_times.country
            and recipients.region = send_times.region
            and recipients.time_zone = send_times.time_zone
            and winners.quiet_hours_class = send_times.quiet_hours_class
            and winners.scheduled_at = send_times.scheduled_at
    where refused.candidate_id is null

),

winners_ranked as (

    select
        candidate_id,
        channel,
        max_messages,
        send_date,
        row_number() over (
            partition by channel, send_date
            order by
                priority asc nulls last, md5(slot || '|' || customer_id) asc nulls last, slot asc nulls last,
                step asc nulls last, customer_id asc nulls last
        ) as place
    from winners_timed

)

select
    winners_ranked.candidate_id,
    'daily_budget' as reason
from winners_ranked
left join contacts_counted
    on
        winners_ranked.channel = contacts_counted.channel
        and winners_ranked.send_date = contacts_counted.contact_date
where winners_ranked.place > winners_ranked.max_messages - coalesce(contacts_counted.contact_count, 0)
