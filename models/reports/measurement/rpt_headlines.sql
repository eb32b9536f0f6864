{#- Each headline: its name, how it is written, whether more of it is better (1), worse (-1) or neither (0). -#}
{%- set headlines = [
    ('net_revenue', 'Net revenue', 'number', 1),
    ('attributed_revenue', 'Revenue put down to campaigns', 'number', 1),
    ('sends', 'Messages sent', 'number', 0),
    ('cost', 'Cost of messages', 'decimal', -1),
    ('active_customers', 'Active customers', 'number', 1),
    ('churn_rate', 'Customers lost in the month', 'share', -1),
    ('repeat_purchase_rate', 'Buyers who had bought before', 'share', 1),
    ('click_rate', 'Clicks by delivered messages', 'share', 1),
    ('unsubscribe_rate', 'Unsubscribes by delivered messages', 'fine_share', -1),
    ('success_share', 'Runs that went well', 'share', 1),
] %}

-- The figures at the top of the report, month by month, each with the month before.
with sales as (

    select
        calendar_month as month_date,
        cast(sum(net_revenue) as double) as net_revenue
    from {{ ref('rpt_sales_monthly') }}
    group by calendar_month

),

messages as (

    select
        send_month as month_date,
        cast(sum(net_revenue) as double) as attributed_revenue,
        cast(sum(sends) as double) as sends,
        cast(sum(cost) as double) as cost,
        sum(clicked) / cast(nullif(sum(delivered), 0) as double) as click_rate,
        sum(unsubscribed) / cast(nullif(sum(delivered), 0) as double) as unsubscribe_rate
    from {{ ref('rpt_campaign_performance') }}
    group by send_month

),

customers as (

    select
        calendar_month as month_date,
        cast(customers_at_end as double) as active_customers,
        cast(churn_rate as double) as churn_rate,
        cast(repeat_purchase_rate as double) as repeat_purchase_rate
    from {{ ref('rpt_retention') }}

),

runs as (

    select
        month_date,
        sum(runs_successful) / cast(nullif(sum(runs) + sum(days_missing), 0) as double) as success_share
    from {{ ref('rpt_run_health') }}
    group by month_date

),

months as (

    select month_date from sales
    union distinct
    select month_date from messages
    union distinct
    select month_date from customers
    union distinct
    select month_date from runs

),

figures as (

    {%- for name, label, unit, direction in headlines %}
    select
        '{{ name }}' as headline,
        '{{ label }}' as label,
        '{{ unit }}' as unit,
        {{ loop.index }} as place,
        {{ direction }} as better_direction,
        {{ name }} as figure,
        months.month_date
    from months
    left join sales on months.month_date = sales.month_date
    left join messages on months.month_date = messages.month_date
    left join customers on months.month_date = customers.month_date
    left join runs on months.month_date = runs.month_date
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

figures_compared as (

    select
        figures.*,
        earlier.figure as figure_before
    from figures
    left join figures as earlier
        on
            figures.headline = earlier.headline
            and earlier.month_date = cast({{ dbt.dateadd('month', -1, 'figures.month_date') }} as date)

)

select
    headline,
    label,
    unit,
    cast(place as int) as place,
    cast(
        case
            when better_direction = 0 or figure = figure_before then 0
            when figure > figure_before then better_direction
            when figure < figure_before then -better_direction
        end as int
    ) as direction,
    cast(figure as double) as figure,
    cast(figure_before as double) as figure_before,
    cast(round(figure - figure_before, 6) as double) as change,
    cast(round((figure - figure_before) / nullif(abs(figure_before), 0), 6) as double) as change_share,
    month_date
from figures_compared
