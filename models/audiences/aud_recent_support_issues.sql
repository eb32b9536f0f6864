{%- set recent_within_days = 14 %}

with tickets as (

    select
        customer_id,
        is_open,
        opened_at
    from {{ ref('fct_tickets') }}

),

tickets_summed as (

    select
        customer_id,
        max(case when is_open then 1 else 0 end) = 1 as has_open_ticket,
        max(opened_at) as last_opened_at
    from tickets
    group by customer_id

)

select
    'recent_support_issues' as audience,
    customer_id,
    case
        when has_open_ticket then 'a ticket is open'
        else 'ticket in the last {{ recent_within_days }} days'
    end as qualified_by,
    last_opened_at as qualified_at
from tickets_summed
where has_open_ticket or last_opened_at >= {{ days_before(as_of(), recent_within_days) }}
