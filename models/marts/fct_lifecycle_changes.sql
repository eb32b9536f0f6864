with stages as (

    select
        customer_id,
        lifecycle_stage,
        valid_from
    from {{ ref('int_lifecycle_stages_dated') }}

),

stages_compared as (

    select
        customer_id,
        lifecycle_stage,
        lag(lifecycle_stage) over (
            partition by customer_id
            order by valid_from asc nulls last, lifecycle_stage asc nulls last
        ) as previous_stage,
        valid_from
    from stages

),

changes as (

    select
        customer_id,
        lifecycle_stage,
        previous_stage,
        valid_from
    from stages_compared
    where previous_stage is null or previous_stage <> lifecycle_stage

),

changes_closed as (

    select
        *,
        lead(valid_from) over (
            partition by customer_id
            order by valid_from asc nulls last, lifecycle_stage asc nulls last
        ) as valid_to
    from changes

)

select
    customer_id,
    lifecycle_stage,
    previous_stage,
    valid_to is null as is_current,
    valid_from,
    valid_to
from changes_closed
