{%- set due_within_days = 7 %}
{%- set shortest_gap_days = 14 %}

with replenishments as (

    select
        customer_id,
        product_category,
        purchase_count,
        mean_gap_days,
        due_date
    from {{ ref('fct_replenishments') }}

),

replenishments_dated as (

    select
        *,
        {{ days_between('due_date', as_of()) }} as days_overdue
    from replenishments
    where mean_gap_days >= {{ shortest_gap_days }}

),

-- Of several that are due, the one that was bought most often.
replenishments_ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by purchase_count desc nulls last, due_date desc nulls last, product_category asc nulls last
        ) as replenishment_rank
    from replenishments_dated
    where days_overdue >= 0 and days_overdue < {{ due_within_days }}

)

select
    'replenishment_due' as audience,
    customer_id,
    'due again: ' || product_category as qualified_by,
    cast(due_date as timestamp) as qualified_at
from replenishments_ranked
where replenishment_rank = 1
