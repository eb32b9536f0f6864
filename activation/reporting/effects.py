"""Sections about what messages changed: lift against people left alone, and sends that were a mistake."""

from __future__ import annotations

from activation.reporting.charts import bars, intervals
from activation.reporting.parts import Column, Part, Section, words

LIFT = Section(
    "lift",
    "What they changed",
    "People left alone at random show what would have happened anyway. The difference between the two groups, all who "
    "were assigned counted, is what the campaign changed; it is shown with its interval or not at all.",
    (
        Part(
            "Change in the share of people who bought, with 95 % interval",
            """
            select
                experiment, difference, difference_low, difference_high, always_valid_low, always_valid_high, verdict
            from reports.rpt_lift
            where metric = 'converted' and difference is not null
            order by kind desc, difference desc, experiment
            """,
            (
                words("experiment", "Campaign"),
                Column("difference", "Difference", "points"),
                Column("difference_low", "from", "points"),
                Column("difference_high", "to", "points"),
                Column("always_valid_low", "at any look from", "points"),
                Column("always_valid_high", "to", "points"),
                Column("verdict", "Verdict", "text"),
            ),
            intervals(
                "experiment",
                "difference",
                "difference_low",
                "difference_high",
                form="+.1%",
                title="treated less left alone",
            ),
            empty="No campaign has yet enough people in both groups: it cannot be told.",
        ),
        Part(
            "Every experiment and what can be said",
            """
            select
                experiment, metric, treated_people, holdout_people, people_awaited, difference, difference_low,
                difference_high, minimum_detectable_effect, verdict
            from reports.rpt_lift
            order by kind desc, experiment, metric
            """,
            (
                words("experiment", "Campaign"),
                words("metric", "Measure"),
                Column("treated_people", "Treated"),
                Column("holdout_people", "Left alone"),
                Column("people_awaited", "Window still open"),
                Column("difference", "Difference", "signed_decimal"),
                Column("difference_low", "from", "signed_decimal"),
                Column("difference_high", "to", "signed_decimal"),
                Column("minimum_detectable_effect", "Could show from", "decimal"),
                Column("verdict", "Verdict", "text"),
            ),
            note="Too small a group says that it cannot tell. Net spend is in the reporting currency.",
        ),
        Part(
            "Before a campaign goes out: what its holdout could show",
            """
            select
                campaign, metric, people, holdout_share, outcome_days, base, people_counted, minimum_detectable_effect
            from reports.rpt_minimum_detectable_effects
            order by campaign, metric
            """,
            (
                words("campaign", "Campaign"),
                words("metric", "Measure"),
                Column("people", "People of one run"),
                Column("holdout_share", "Left alone", "share"),
                Column("outcome_days", "Days looked ahead"),
                Column("base", "Expected", "decimal"),
                Column("people_counted", "With people"),
                Column("minimum_detectable_effect", "could show a change from", "fine_decimal"),
            ),
            note="Found in four of five cases. What is expected is what others bought who had been quiet for as long. "
            "Where one run has fewer people than it takes to tell, several are counted together.",
            empty="No campaign of the last run leaves people alone.",
        ),
        Part(
            "Were those left alone really left alone?",
            """
            select
                kind, payload, way,
                max(people_held_out) as people_held_out,
                max(people_reached) filter (reached_by = 'person') as reached_as_person,
                max(people_reached) filter (reached_by = 'identifier') as reached_by_identifier
            from reports.rpt_holdout_leakage
            group by kind, payload, way
            order by kind, payload, way
            """,
            (
                words("kind", "Holdout"),
                words("payload", "Found in"),
                words("way", "How"),
                Column("people_held_out", "People held out"),
                Column("reached_as_person", "of them found by customer"),
                Column("reached_by_identifier", "by address or number"),
            ),
            note="What was really sent is searched, ads included. A zero is what is wanted.",
        ),
    ),
)

REGRETS = Section(
    "regrets",
    "What we would not send again",
    "Sends that would not have been made with what is known now: the person had bought, sent back or opted out, and "
    "word of it came late.",
    (
        Part(
            "Regrets of all runs, by reason",
            """
            select
                reason, kind, sum(attempts) as attempts, sum(people) as people, sum(withdrawn) as withdrawn,
                sum(cost) as cost
            from reports.rpt_regrets
            where reason <> 'none'
            group by reason, kind
            order by attempts desc, reason, kind
            """,
            (
                words("reason", "Reason"),
                words("kind", "What"),
                Column("attempts", "Sends"),
                Column("people", "People"),
                Column("withdrawn", "Withdrawn since"),
                Column("cost", "Cost", "decimal"),
            ),
            empty="None: nothing that is known now speaks against what was sent.",
        ),
        Part(
            "Regretted sends by campaign",
            """
            select campaign, sum(attempts) filter (reason <> 'none') as regretted
            from reports.rpt_regrets
            group by campaign
            having regretted > 0
            order by regretted desc, campaign
            """,
            (words("campaign", "Campaign"), Column("regretted", "Sends")),
            bars("campaign", "regretted"),
            empty="None.",
        ),
    ),
)

EFFECTS = (LIFT, REGRETS)
