{{ config(tags=['measurement']) }}
-- What is cut up by campaign, channel, month, category, person or reason adds up to what it was cut from: no message,
-- no money and no customer is lost or counted twice on the way to a report.
{%- set cuts = [
    ('messages by campaign', 'sends', 'rpt_campaign_performance', 'count(*)', 'fct_sends', 'true'),
    ('messages by channel', 'sends', 'rpt_channel_contribution', 'count(*)', 'fct_sends', 'true'),
    ('messages by month', 'sends', 'rpt_customer_costs', 'count(*)', 'fct_sends', 'true'),
    ('cost by channel', 'cost', 'rpt_channel_contribution', 'coalesce(sum(cost_reporting), 0)', 'fct_sends', 'true'),
    ('cost by people', 'cost_on_base + cost_on_gone + cost_on_others', 'rpt_customer_costs',
        'coalesce(sum(cost_reporting), 0)', 'fct_sends', 'true'),
    ('revenue by campaign', 'net_revenue', 'rpt_campaign_performance', 'coalesce(sum(net_revenue), 0)',
        'fct_attributed_orders', 'send_id is not null'),
    ('revenue by channel', 'net_revenue', 'rpt_channel_contribution', 'coalesce(sum(net_amount_reporting), 0)',
        'int_orders_converted', "status <> 'returned'"),
    ('revenue by category', 'net_revenue', 'rpt_sales_monthly', 'coalesce(sum(net_amount_reporting), 0)',
        'int_orders_converted', "status <> 'returned'"),
    ('orders by channel', 'orders', 'rpt_channel_contribution', 'count(*)', 'int_orders_converted',
        "status <> 'returned'"),
    ('orders by month', 'orders', 'rpt_retention', 'count(*)', 'int_orders_converted', "status <> 'returned'"),
    ('attempts by reason', 'attempts', 'rpt_regrets', 'count(*)', 'int_attempts_collected', 'true'),
    ('regrets by reason', "case when reason <> 'none' then attempts else 0 end", 'rpt_regrets', 'count(*)',
        'fct_regrets', 'true'),
    ('stage changes by month', 'transitions', 'rpt_lifecycle_transitions', 'count(*)', 'fct_lifecycle_changes', 'true'),
    ('answers by theme', 'responses', 'rpt_feedback_themes', 'count(*)', 'fct_feedback', 'true'),
    ('base at the end of a month', 'customers_at_start - customers_churned + customers_new + customers_reactivated',
        'rpt_retention', 'coalesce(sum(customers_at_end), 0)', 'rpt_retention', 'true'),
] %}

with cuts as (
    {%- for name, part, report, whole, origin, condition in cuts %}
    select
        '{{ name }}' as cut,
        (select cast(coalesce(sum({{ part }}), 0) as decimal(38, 6)) from {{ ref(report) }}) as parts,
        (
            select cast({{ whole }} as decimal(38, 6))
            from {{ ref(origin) }}
            where {{ condition }}
        ) as whole
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select
    cut,
    parts,
    whole
from cuts
where parts <> whole
