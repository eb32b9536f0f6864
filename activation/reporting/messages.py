"""Sections about what was sent: campaigns and channels, and who was left out and why."""

from __future__ import annotations

from activation.reporting.charts import columns, steps
from activation.reporting.parts import Column, Part, Section, words

CAMPAIGNS = Section(
    "campaigns",
    "What the campaigns did",
    "Messages of the month by campaign. Revenue is put down to the last message within a stated window of days: it "
    "says after what orders came, not what caused them. What a campaign caused is below, as lift.",
    (
        Part(
            "Campaigns of the month",
            """
            select
                campaign,
                channel,
                sum(sends) as sends,
                sum(delivered) as delivered,
                sum(opened) / nullif(sum(delivered), 0) as open_rate,
                sum(clicked) / nullif(sum(delivered), 0) as click_rate,
                sum(unsubscribed) / nullif(sum(delivered), 0) as unsubscribe_rate,
                sum(conversions) as conversions,
                sum(net_revenue) as net_revenue,
                sum(net_revenue) / nullif(sum(sends), 0) as revenue_per_send,
                sum(cost) as cost
            from reports.rpt_campaign_performance
            where send_month = $month
            group by campaign, channel
            order by sends desc, campaign, channel
            """,
            (
                words("campaign", "Campaign"),
                Column("channel", "Channel", "text"),
                Column("sends", "Sent"),
                Column("delivered", "Delivered"),
                Column("open_rate", "Opened", "share"),
                Column("click_rate", "Clicked", "share"),
                Column("unsubscribe_rate", "Unsubscribed", "fine_share"),
                Column("conversions", "Orders"),
                Column("net_revenue", "Revenue"),
                Column("revenue_per_send", "per message", "decimal"),
                Column("cost", "Cost", "decimal"),
            ),
            note="Rates are by delivered messages. Machines open messages too: a click says more than an opening.",
            empty="Nothing was sent in this month.",
        ),
        Part(
            "Messages by channel and month",
            """
            select send_month, channel, sum(sends) as sends
            from reports.rpt_campaign_performance
            where send_month between $month - interval 12 month and $month
            group by send_month, channel
            order by send_month, channel
            """,
            (
                Column("send_month", "Month", "month"),
                Column("channel", "Channel", "text"),
                Column("sends", "Messages"),
            ),
            columns("send_month", "sends", kind="channel", title="messages"),
        ),
        Part(
            "What each channel brought in the month",
            """
            select channel, sends, orders, orders_by_click, net_revenue, revenue_share, cost, revenue_per_cost
            from reports.rpt_channel_contribution
            where calendar_month = $month
            order by net_revenue desc nulls last, channel
            """,
            (
                words("channel", "Channel"),
                Column("sends", "Messages"),
                Column("orders", "Orders put down to it"),
                Column("orders_by_click", "of them after a click"),
                Column("net_revenue", "Revenue"),
                Column("revenue_share", "Share of all revenue", "share"),
                Column("cost", "Cost", "decimal"),
                Column("revenue_per_cost", "Revenue by cost", "decimal"),
            ),
        ),
        Part(
            "Campaigns of the past: who redeemed",
            """
            select
                campaign, channel, recipients, converters, redemption_rate, redemption_rate_lower,
                redemption_rate_upper, first_sent_at
            from reports.rpt_campaign_redemptions
            where recipients >= 20
            order by recipients desc, campaign
            limit 15
            """,
            (
                words("campaign", "Campaign"),
                Column("channel", "Channel", "text"),
                Column("recipients", "Recipients"),
                Column("converters", "Redeemed"),
                Column("redemption_rate", "Rate", "share"),
                Column("redemption_rate_lower", "at least", "share"),
                Column("redemption_rate_upper", "at most", "share"),
                Column("first_sent_at", "First sent", "date"),
            ),
            note="The fifteen largest with at least 20 recipients, with 95 % intervals (Wilson).",
            empty="No campaign of the past had 20 recipients.",
        ),
    ),
)

LEFT_OUT = Section(
    "left-out",
    "Who was left out, and why",
    "From all candidates of the latest run to what left. Each counts once, at the first rule that spoke against them.",
    (
        Part(
            "The latest run, all campaigns",
            """
            with steps as (
                select 'Candidates' as step, 'all' as kind, sum(people) as people, 0 as rank
                from reports.rpt_campaign_waterfall
                union all
                select
                    coalesce(reason, 'to send') || case when verdict = 'defer' then ', for now' else '' end,
                    case verdict
                        when 'exclude' then 'left out' when 'holdout' then 'left alone to measure'
                        when 'defer' then 'not now' else 'to send'
                    end,
                    sum(people),
                    case verdict when 'exclude' then 1 when 'holdout' then 2 when 'defer' then 3 else 4 end
                from reports.rpt_campaign_waterfall
                group by verdict, reason
            ),
            placed as (
                select
                    *,
                    case when rank in (0, 4) then people
                    else sum(people) filter (rank in (0)) over ()
                        - coalesce(sum(people) filter (rank in (1, 2, 3)) over (
                            order by rank, people desc, step rows between unbounded preceding and 1 preceding
                        ), 0)
                    end as until
                from steps
            )
            select step, kind, people, until, until - people as since
            from placed
            where people > 0
            order by rank, people desc, step
            """,
            (words("step", "Step"), words("kind", "What it is"), Column("people", "People")),
            steps("step", "until", "since", "kind"),
        ),
        Part(
            "By campaign",
            """
            select
                campaign,
                slot,
                sum(people) as candidates,
                coalesce(sum(people) filter (verdict = 'exclude'), 0) as left_out,
                coalesce(sum(people) filter (verdict = 'holdout'), 0) as left_alone,
                coalesce(sum(people) filter (verdict = 'defer'), 0) as not_now,
                coalesce(sum(people) filter (verdict = 'send'), 0) as to_send
            from reports.rpt_campaign_waterfall
            group by campaign, slot
            order by min(priority), slot
            """,
            (
                words("campaign", "Campaign"),
                Column("slot", "Occurrence", "text"),
                Column("candidates", "Candidates"),
                Column("left_out", "Left out"),
                Column("left_alone", "Left alone to measure"),
                Column("not_now", "Not now"),
                Column("to_send", "To send"),
            ),
        ),
    ),
)

MESSAGES = (CAMPAIGNS, LEFT_OUT)
