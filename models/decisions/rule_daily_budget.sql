-- Rule 9, last. Of the winners whom no cap refused, each channel sends so many on a day (UTC), in priority order and
-- then in an order that is drawn anew for each slot; contacts made on or promised for that day count.
with winners as (

    select
        candidate_id,
        slot,
        customer_id,
        channel,
        step,
        priority,
        cast(scheduled_at as date) as send_date
    from {{ ref('decision_winners') }}

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

winners_ranked as (

    select
        winners.candidate_id,
        budgets.max_messages - coalesce(contacts_counted.contact_count, 0) as messages_left,
        row_number() over (
            partition by winners.channel, winners.send_date
            order by
                winners.priority asc nulls last, md5(winners.slot || '|' || winners.customer_id) asc nulls last,
                winners.slot asc nulls last, winners.step asc nulls last, winners.customer_id asc nulls last
        ) as place
    from winners
    inner join budgets
        on winners.channel = budgets.channel
    left join refused
        on winners.candidate_id = refused.candidate_id
    left join contacts_counted
        on
            winners.channel = contacts_counted.channel
            and winners.send_date = contacts_counted.contact_date
    where refused.candidate_id is null

)

select
    candidate_id,
    'daily_budget' as reason
from winners_ranked
where place > messages_left
