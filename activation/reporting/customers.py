"""Sections about customers and what they buy: sales, loyalty, cohorts, stages, feedback."""

from __future__ import annotations

from activation.reporting.charts import bars, columns, heat
from activation.reporting.parts import Column, Part, Section, words

SALES = Section(
    "sales",
    "What customers bought",
    "Gross revenue by the month of the order; refunds count in the month of the order that they take back.",
    (
        Part(
            "Net revenue by month",
            """
            select
                calendar_month,
                sum(gross_revenue) as gross_revenue,
                sum(refunds) as refunds,
                sum(net_revenue) as net_revenue,
                sum(refunds) / nullif(sum(gross_revenue), 0) as refund_rate
            from reports.rpt_sales_monthly
            where calendar_month between $month - interval 12 month and $month
            group by calendar_month
            order by calendar_month
            """,
            (
                Column("calendar_month", "Month", "month"),
                Column("gross_revenue", "Gross revenue"),
                Column("refunds", "Refunds"),
                Column("net_revenue", "Net revenue"),
                Column("refund_rate", "Refund rate", "share"),
            ),
            columns("calendar_month", "net_revenue", title="net revenue"),
        ),
        Part(
            "Where it came from in the month",
            """
            select product_category, market, orders_with_category, gross_revenue, refunds, net_revenue, refund_rate
            from reports.rpt_sales_monthly
            where calendar_month = $month
            order by net_revenue desc, product_category, market
            limit 12
            """,
            (
                words("product_category", "Category"),
                Column("market", "Market", "text"),
                Column("orders_with_category", "Orders with it"),
                Column("gross_revenue", "Gross revenue"),
                Column("refunds", "Refunds"),
                Column("net_revenue", "Net revenue"),
                Column("refund_rate", "Refund rate", "share"),
            ),
            note="The twelve largest.",
        ),
    ),
)

LOYALTY = Section(
    "loyalty",
    "Whether they come back",
    "Retention, churn, reactivation and repeat purchase, each against the people who could have; and what the messages "
    "cost for each customer who stayed or returned.",
    (
        Part(
            "Retention by month",
            """
            select
                calendar_month, customers_at_start, retention_rate, churn_rate, reactivation_rate, repeat_purchase_rate,
                customers_at_end
            from reports.rpt_retention
            where calendar_month between $month - interval 12 month and $month
            order by calendar_month
            """,
            (
                Column("calendar_month", "Month", "month"),
                Column("customers_at_start", "Active at its start"),
                Column("retention_rate", "Stayed", "share"),
                Column("churn_rate", "Lost", "share"),
                Column("reactivation_rate", "Reactivated", "share"),
                Column("repeat_purchase_rate", "Buyers who had bought before", "share"),
                Column("customers_at_end", "Active at its end"),
            ),
            columns("calendar_month", "customers_at_end", title="active customers"),
        ),
        Part(
            "Cohorts: share of each month's new customers who buy again",
            """
            select
                strftime(cohort_month, '%b %Y') || ' (' || cohort_customers || ')' as cohort,
                months_since_first_order, active_customers, retention_share
            from reports.rpt_cohort_retention
            where
                cohort_month between $month - interval 12 month and $month
                and cohort_month + to_months(months_since_first_order) <= $month
            order by cohort_month, months_since_first_order
            """,
            (
                Column("cohort", "First order in (customers)", "text"),
                Column("months_since_first_order", "Months since"),
                Column("active_customers", "Customers who bought"),
                Column("retention_share", "Share", "share"),
            ),
            heat(
                "months_since_first_order", "cohort", "retention_share", title="months since the first order"
            ),
            note="In brackets the customers of the cohort: of few, a share says little.",
        ),
        Part(
            "Cost of messages for each customer who stayed or returned",
            """
            select
                calendar_month, sends, cost, customers_retained, cost_per_retained_customer, customers_reactivated,
                cost_per_reactivated_customer
            from reports.rpt_customer_costs
            where calendar_month between $month - interval 5 month and $month
            order by calendar_month
            """,
            (
                Column("calendar_month", "Month", "month"),
                Column("sends", "Messages"),
                Column("cost", "Cost", "decimal"),
                Column("customers_retained", "Customers retained"),
                Column("cost_per_retained_customer", "Cost per retained", "fine_decimal"),
                Column("customers_reactivated", "Customers reactivated"),
                Column("cost_per_reactivated_customer", "Cost per reactivated", "fine_decimal"),
            ),
        ),
        Part(
            "From one stage to another in the month",
            """
            select
                upper(left(from_stage, 1)) || substr(from_stage, 2) || ' to ' || to_stage as step, people
            from reports.rpt_lifecycle_transitions
            where calendar_month = $month and from_stage is not null
            order by people desc, step
            """,
            (Column("step", "From and to", "text"), Column("people", "People")),
            bars("step", "people"),
        ),
    ),
)

FEEDBACK = Section(
    "feedback",
    "What they say",
    "Themes in the answers to surveys. The trend compares the theme's share with the month before, and says so where "
    "there are too few answers.",
    (
        Part(
            "Themes of the month",
            """
            select topic, responses, response_share, response_share_before, net_promoter_score, trend
            from reports.rpt_feedback_themes
            where calendar_month = $month
            order by responses desc, topic
            """,
            (
                words("topic", "Theme"),
                Column("responses", "Answers"),
                Column("response_share", "Share", "share"),
                Column("response_share_before", "Share the month before", "share"),
                Column("net_promoter_score", "Promoters less detractors", "signed_share"),
                words("trend", "Trend"),
            ),
            empty="Nobody answered a survey in this month.",
        ),
    ),
)

CUSTOMERS = (SALES, LOYALTY, FEEDBACK)
