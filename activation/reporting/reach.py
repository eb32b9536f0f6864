"""Sections about how messages arrive and how many there are: deliverability, pressure."""

from __future__ import annotations

from activation.reporting.charts import lines, stacked
from activation.reporting.parts import Column, Part, Section, words

DELIVERABILITY = Section(
    "deliverability",
    "Whether messages arrive",
    "Bounces, complaints and unsubscribes by week, and where seed addresses found the message.",
    (
        Part(
            "Bounces, complaints and unsubscribes by week",
            """
            with weeks as (
                select
                    week_start_date, sum(sends) as sends, sum(delivered) as delivered, sum(bounced) as bounced,
                    sum(complained) as complained, sum(unsubscribed) as unsubscribed
                from reports.rpt_deliverability
                where week_start_date between $month - interval 3 month and last_day($month)
                group by week_start_date
            )
            select week_start_date, 'Bounced' as kind, bounced / nullif(sends, 0) as rate, bounced as messages, sends
            from weeks
            union all
            select week_start_date, 'Complained', complained / nullif(delivered, 0), complained, delivered from weeks
            union all
            select week_start_date, 'Unsubscribed', unsubscribed / nullif(delivered, 0), unsubscribed, delivered
            from weeks
            order by 1, 2
            """,
            (
                Column("week_start_date", "Week of", "date"),
                Column("kind", "What", "text"),
                Column("messages", "Messages"),
                Column("sends", "of"),
                Column("rate", "Rate", "fine_share"),
            ),
            lines("week_start_date", "rate", "kind", form=".1%"),
        ),
        Part(
            "By mailbox provider in the month",
            """
            select
                channel, mailbox_provider, sum(sends) as sends,
                sum(delivered) / nullif(sum(sends), 0) as delivery_rate,
                sum(hard_bounced) / nullif(sum(sends), 0) as hard_bounce_rate,
                sum(complained) / nullif(sum(delivered), 0) as complaint_rate,
                sum(seeds_in_inbox) / nullif(sum(seeds), 0) as inbox_rate
            from reports.rpt_deliverability
            where week_start_date between $month - interval 6 day and last_day($month)
            group by channel, mailbox_provider
            order by sends desc, channel, mailbox_provider
            limit 12
            """,
            (
                words("channel", "Channel"),
                Column("mailbox_provider", "Provider", "text"),
                Column("sends", "Messages"),
                Column("delivery_rate", "Delivered", "share"),
                Column("hard_bounce_rate", "Hard bounces", "fine_share"),
                Column("complaint_rate", "Complaints", "fine_share"),
                Column("inbox_rate", "In the inbox", "share"),
            ),
            note="Weeks that touch the month. The last column is of seed addresses.",
        ),
        Part(
            "E-mail engagement by week",
            """
            select week_start_date, delivered, open_rate, click_rate, unsubscribe_rate, trend
            from reports.rpt_engagement_trend
            where week_start_date between $month - interval 2 month and last_day($month)
            order by week_start_date
            """,
            (
                Column("week_start_date", "Week of", "date"),
                Column("delivered", "Delivered"),
                Column("open_rate", "Opened", "share"),
                Column("click_rate", "Clicked", "share"),
                Column("unsubscribe_rate", "Unsubscribed", "fine_share"),
                words("trend", "Trend"),
            ),
        ),
    ),
)

PRESSURE = Section(
    "pressure",
    "How much people get",
    "Messages per person and week, and what happens to opt-outs as they grow.",
    (
        Part(
            "People by messages in a week",
            """
            select
                week_start_date, people, people_share,
                case
                    when messages_per_person >= 4 then '4 or more' else cast(messages_per_person as varchar)
                end as messages,
                least(messages_per_person, 4) as place,
                strftime(week_start_date, '%d %b') as week
            from reports.rpt_pressure_weekly
            where week_start_date between $month - interval 1 month and last_day($month) and messages_per_person > 0
            order by week_start_date, messages_per_person
            """,
            (
                Column("week_start_date", "Week of", "date"),
                Column("messages", "Messages", "text"),
                Column("people", "People"),
                Column("people_share", "Share of all", "share"),
            ),
            stacked("week", "people", "messages"),
            note="People without a message are not drawn.",
        ),
        Part(
            "Opt-outs by the messages of the seven days before",
            """
            select
                channel, messages_7_days, sends, click_rate, opt_out_rate, opt_out_rate_lower, opt_out_rate_upper,
                verdict, suggested_messages_7_days
            from reports.rpt_fatigue
            order by channel, messages_7_days
            """,
            (
                words("channel", "Channel"),
                Column("messages_7_days", "Messages before"),
                Column("sends", "Messages"),
                Column("click_rate", "Clicked", "share"),
                Column("opt_out_rate", "Opted out", "fine_share"),
                Column("opt_out_rate_lower", "at least", "fine_share"),
                Column("opt_out_rate_upper", "at most", "fine_share"),
                words("verdict", "Verdict"),
                Column("suggested_messages_7_days", "Suggested most in 7 days"),
            ),
        ),
    ),
)

REACH = (DELIVERABILITY, PRESSURE)
