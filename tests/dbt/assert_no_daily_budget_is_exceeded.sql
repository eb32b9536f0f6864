-- What each channel is about to send on a day (UTC), together with what it has sent and promised for it, stays within
-- its budget. What should have left before as_of leaves on its day.
with planned as (

    select
        channel,
        cast(greatest(send_not_before, {{ as_of() }}) as date) as send_date,
        count(*) as message_count
    from {{ ref('outbox_messages') }}
    group by channel, cast(greatest(send_not_before, {{ as_of() }}) as date)

),

contacted as (

    select
        channel,
        cast(contacted_at as date) as contact_date,
        count(*) as contact_count
    from {{ ref('fct_contacts') }}
    where contacted_at >= {{ days_before(as_of(), 1) }}
    group by channel, cast(contacted_at as date)

)

select
    planned.channel,
    planned.send_date,
    planned.message_count,
    contacted.contact_count,
    budgets.max_messages
from planned
inner join {{ ref('daily_budgets') }} as budgets
    on planned.channel = budgets.channel
left join contacted
    on
        planned.channel = contacted.channel
        and planned.send_date = contacted.contact_date
where planned.message_count + coalesce(contacted.contact_count, 0) > budgets.max_messages
