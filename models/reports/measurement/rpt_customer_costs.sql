-- What messages cost for each customer kept and for each one won back: the cost of what was sent in a month to those
-- who were in the base (or had lapsed) at its start, by how many of them were in the base at its end.
with sends as (

    select
        customer_id,
        cost_reporting,
        {{ month_start('sent_at') }} as send_month
    from {{ ref('fct_sends') }}

),

customer_months as (

    select
        customer_id,
        is_base_at_start,
        is_base_at_end,
        is_gone_at_start,
        calendar_month
    from {{ ref('fct_customer_months') }}

),

costs_summed as (

    select
        sends.send_month,
        count(*) as sends,
        coalesce(sum(sends.cost_reporting), 0) as cost,
        coalesce(sum(case when customer_months.is_base_at_start then sends.cost_reporting end), 0) as cost_on_base,
        coalesce(sum(case when customer_months.is_gone_at_start then sends.cost_reporting end), 0) as cost_on_gone
    from sends
    left join customer_months
        on
            sends.customer_id = customer_months.customer_id
            and sends.send_month = customer_months.calendar_month
    group by sends.send_month

),

months_counted as (

    select
        calendar_month,
        count(case when is_base_at_start and is_base_at_end then 1 end) as customers_retained,
        count(case when is_gone_at_start and is_base_at_end then 1 end) as customers_reactivated
    from customer_months
    group by calendar_month

)

select
    cast(coalesce(costs_summed.sends, 0) as bigint) as sends,
    cast(coalesce(months_counted.customers_retained, 0) as bigint) as customers_retained,
    cast(coalesce(months_counted.customers_reactivated, 0) as bigint) as customers_reactivated,
    cast(coalesce(costs_summed.cost, 0) as decimal(18, 6)) as cost,
    cast(coalesce(costs_summed.cost_on_base, 0) as decimal(18, 6)) as cost_on_base,
    cast(coalesce(costs_summed.cost_on_gone, 0) as decimal(18, 6)) as cost_on_gone,
    cast(coalesce(costs_summed.cost - costs_summed.cost_on_base - costs_summed.cost_on_gone, 0) as decimal(18, 6))
        as cost_on_others,
    {{ amount_per('coalesce(costs_summed.cost_on_base, 0)', 'months_counted.customers_retained') }}
        as cost_per_retained_customer,
    {{ amount_per('coalesce(costs_summed.cost_on_gone, 0)', 'months_counted.customers_reactivated') }}
        as cost_per_reactivated_customer,
    {{ days_after(
        dbt.dateadd('month', 1, 'coalesce(months_counted.calendar_month, costs_summed.send_month)'), 0
    ) }} <= {{ as_of() }} as is_complete,
    coalesce(months_counted.calendar_month, costs_summed.send_month) as calendar_month
from months_counted
full outer join costs_summed
    on months_counted.calendar_month = costs_summed.send_month
