-- How many people went from which stage of their life as customers to which, in each month.
with lifecycle_changes as (

    select
        customer_id,
        previous_stage,
        lifecycle_stage,
        {{ month_start('valid_from') }} as calendar_month
    from {{ ref('fct_lifecycle_changes') }}

)

select
    previous_stage as from_stage,
    lifecycle_stage as to_stage,
    cast(count(distinct customer_id) as bigint) as people,
    cast(count(*) as bigint) as transitions,
    {{ days_after(dbt.dateadd('month', 1, 'calendar_month'), 0) }} <= {{ as_of() }} as is_complete,
    calendar_month
from lifecycle_changes
group by previous_stage, lifecycle_stage, calendar_month
