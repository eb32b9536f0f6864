with tickets as (

    select
        ticket_id,
        customer_id,
        topic,
        opened_at
    from {{ ref('fct_tickets') }}
    where is_open

),

tickets_ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by opened_at desc nulls last, ticket_id asc nulls last
        ) as ticket_rank
    from tickets

)

select
    'open_cases' as audience,
    customer_id,
    'open ticket ' || ticket_id || ' about ' || coalesce(topic, 'something else') as qualified_by,
    opened_at as qualified_at
from tickets_ranked
where ticket_rank = 1
