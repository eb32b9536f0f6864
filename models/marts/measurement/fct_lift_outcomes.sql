-- What everybody in an experiment bought in the days after the assignment, and in as many days before it.
with entries as (

    select
        kind,
        experiment,
        customer_id,
        arm,
        holdout_share,
        assigned_at
    from {{ ref('int_experiments_entered') }}

),

windows as (

    select
        experiment,
        outcome_days
    from {{ ref('lift_windows') }}

),

orders as (

    select
        customer_id,
        net_amount_reporting,
        ordered_at
    from {{ ref('int_orders_converted') }}

),

entries_timed as (

    select
        entries.*,
        coalesce(own_windows.outcome_days, windows.outcome_days) as outcome_days
    from entries
    inner join windows
        on windows.experiment = 'every'
    left join windows as own_windows
        on entries.experiment = own_windows.experiment

),

entries_bounded as (

    select
        *,
        {{ days_before('assigned_at', 'outcome_days') }} as looks_back_to,
        {{ days_after('assigned_at', 'outcome_days') }} as matures_at
    from entries_timed

),

orders_summed as (

    select
        entries_bounded.kind,
        entries_bounded.experiment,
        entries_bounded.customer_id,
        count(case when orders.ordered_at >= entries_bounded.assigned_at then 1 end) as orders_after,
        count(case when orders.ordered_at < entries_bounded.assigned_at then 1 end) as orders_before,
        sum(
            case when orders.ordered_at >= entries_bounded.assigned_at then orders.net_amount_reporting else 0 end
        ) as net_spend,
        sum(
            case when orders.ordered_at < entries_bounded.assigned_at then orders.net_amount_reporting else 0 end
        ) as net_spend_before
    from entries_bounded
    inner join orders
        on
            entries_bounded.customer_id = orders.customer_id
            and entries_bounded.looks_back_to <= orders.ordered_at
            and entries_bounded.matures_at > orders.ordered_at
    group by entries_bounded.kind, entries_bounded.experiment, entries_bounded.customer_id

)

select
    entries_bounded.kind,
    entries_bounded.experiment,
    entries_bounded.customer_id,
    entries_bounded.arm,
    cast(coalesce(orders_summed.net_spend, 0) as decimal(18, 4)) as net_spend,
    cast(coalesce(orders_summed.net_spend_before, 0) as decimal(18, 4)) as net_spend_before,
    entries_bounded.holdout_share,
    coalesce(orders_summed.orders_after, 0) > 0 as has_bought,
    coalesce(orders_summed.orders_before, 0) > 0 as has_bought_before,
    entries_bounded.matures_at <= {{ as_of() }} as is_mature,
    entries_bounded.assigned_at,
    entries_bounded.matures_at
from entries_bounded
left join orders_summed
    on
        entries_bounded.kind = orders_summed.kind
        and entries_bounded.experiment = orders_summed.experiment
        and entries_bounded.customer_id = orders_summed.customer_id
