with tickets as (

    select
        ticket_id,
        profile_id,
        topic,
        severity,
        opened_at,
        case when closed_at <= {{ as_of() }} then closed_at end as closed_at
    from {{ ref('stg_support__tickets') }}
    where opened_at < {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

)

select
    tickets.ticket_id,
    profiles_mapped.customer_id,
    tickets.topic,
    tickets.severity,
    cast(
        floor(cast({{ dbt.datediff('tickets.opened_at', 'tickets.closed_at', 'minute') }} as double) / 60) as int
    ) as hours_to_close,
    tickets.closed_at is null as is_open,
    tickets.opened_at,
    tickets.closed_at
from tickets
inner join profiles_mapped
    on tickets.profile_id = profiles_mapped.profile_id
