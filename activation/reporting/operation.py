"""Sections about the machine and its rules: anomalies, runs, inputs, audiences, definitions, consents, launches."""

from __future__ import annotations

from activation.reporting.charts import bars
from activation.reporting.parts import Column, Part, Section, words

RUNS = Section(
    "runs",
    "Whether the machine works",
    "Runs of the month: those that were due and never came, that failed, that were held, that left something in doubt.",
    (
        Part(
            "Runs by campaign",
            """
            select
                campaign, days_due, days_missing, runs, runs_successful, runs_failed, runs_held,
                runs_waiting_for_approval, runs_in_doubt, success_share, median_minutes_to_deliver
            from reports.rpt_run_health
            where month_date = $month
            order by success_share nulls last, campaign
            """,
            (
                words("campaign", "Campaign"),
                Column("days_due", "Days due"),
                Column("days_missing", "missing"),
                Column("runs", "Runs"),
                Column("runs_successful", "went well"),
                Column("runs_failed", "failed"),
                Column("runs_held", "held"),
                Column("runs_waiting_for_approval", "wait for approval"),
                Column("runs_in_doubt", "with doubt"),
                Column("success_share", "Success", "share"),
                Column("median_minutes_to_deliver", "Minutes to deliver"),
            ),
            empty="No run in this month.",
        ),
        Part(
            "What destinations refused",
            """
            select
                destination,
                kind,
                any_value(all_requests) as handed_over,
                coalesce(sum(requests) filter (refusal_class <> 'none'), 0) as refused,
                coalesce(sum(request_share) filter (refusal_class <> 'none'), 0) as refused_share,
                string_agg(refusal_class, ', ' order by requests desc) filter (refusal_class <> 'none') as classes
            from reports.rpt_refusals
            group by destination, kind
            order by refused desc, destination, kind
            """,
            (
                words("destination", "Destination"),
                words("kind", "What"),
                Column("handed_over", "Handed over"),
                Column("refused", "Refused"),
                Column("refused_share", "Share", "fine_share"),
                words("classes", "Why"),
            ),
            empty="Nothing was handed over yet.",
        ),
        Part(
            "Inputs and their age",
            """
            select source_table, row_count, rows_quarantined, age_hours, max_age_hours, is_late, last_loaded_at
            from reports.rpt_freshness
            order by is_late desc, source_table
            """,
            (
                Column("source_table", "Input", "text"),
                Column("row_count", "Rows"),
                Column("rows_quarantined", "set aside"),
                Column("age_hours", "Hours old"),
                Column("max_age_hours", "allowed"),
                Column("is_late", "Late", "yes"),
                Column("last_loaded_at", "Last loaded", "moment"),
            ),
        ),
    ),
)

PORTFOLIO = Section(
    "portfolio",
    "Which audiences there are",
    "Size, movement and use of each audience, and those that are unused, empty, duplicates, or come and go.",
    (
        Part(
            "Audiences",
            """
            select
                audience, people, people_before, entered_share, left_share, flapping_share, campaign_count,
                concat_ws(', ', case when is_unused then 'unused' end, case when is_empty then 'empty' end,
                    case when is_flapping then 'comes and goes' end) as concerns
            from reports.rpt_audience_health
            order by people desc, audience
            """,
            (
                words("audience", "Audience"),
                Column("people", "People"),
                Column("people_before", "the run before"),
                Column("entered_share", "New", "share"),
                Column("left_share", "Left", "share"),
                Column("flapping_share", "Come and go", "share"),
                Column("campaign_count", "Campaigns"),
                Column("concerns", "Look at it", "text"),
            ),
            bars("audience", "people"),
        ),
        Part(
            "Audiences that share most of their people",
            """
            select audience, other_audience, shared_people, jaccard, containment, is_duplicate
            from reports.rpt_audience_overlaps
            where is_overlapping
            order by jaccard desc, containment desc, audience, other_audience
            limit 12
            """,
            (
                words("audience", "Audience"),
                words("other_audience", "and"),
                Column("shared_people", "People in both"),
                Column("jaccard", "of either", "share"),
                Column("containment", "of the smaller", "share"),
                Column("is_duplicate", "Duplicate", "yes"),
            ),
            note="The twelve closest pairs.",
            empty="None.",
        ),
        Part(
            "Definitions that changed, and the size that came with it",
            """
            select
                model, version_number, first_as_of, people_before, people_after, people_change, usual_change,
                left(git_commit, 10) as git_commit
            from reports.rpt_definition_changes
            where version_number > 1
            order by first_as_of desc, model
            limit 20
            """,
            (
                words("model", "Audience or campaign"),
                Column("version_number", "Version"),
                Column("first_as_of", "Since", "date"),
                Column("people_before", "People before"),
                Column("people_after", "after"),
                Column("people_change", "Change", "signed"),
                Column("usual_change", "usual between runs"),
                Column("git_commit", "Commit", "text"),
            ),
            empty="No definition changed between two runs.",
        ),
    ),
)

CONSENT = Section(
    "consent",
    "Which permissions lapse",
    "Consents that end soon unless people are asked again, by channel and purpose.",
    (
        Part(
            "Consents in force, and those that lapse",
            """
            select
                channel, purpose, consents, consents_without_end, expire_within_30_days, expire_within_60_days,
                expire_within_90_days, share_within_90_days, next_expires_at
            from reports.rpt_consent_expiry
            order by expire_within_90_days desc, consents desc, channel, purpose
            """,
            (
                words("channel", "Channel"),
                words("purpose", "Purpose"),
                Column("consents", "In force"),
                Column("consents_without_end", "without end"),
                Column("expire_within_30_days", "within 30 days"),
                Column("expire_within_60_days", "within 60"),
                Column("expire_within_90_days", "within 90"),
                Column("share_within_90_days", "Share within 90", "share"),
                Column("next_expires_at", "Next", "date"),
            ),
        ),
    ),
)

LAUNCHES = Section(
    "launches",
    "How fast an idea goes out",
    "Days from the first line of a campaign to its first message, against the time that it took before automation.",
    (
        Part(
            "Days to launch",
            """
            select campaign, defined_at, first_sent_at, days_to_launch, baseline_days, days_saved
            from reports.rpt_time_to_launch
            order by defined_at desc nulls last, campaign
            """,
            (
                words("campaign", "Campaign"),
                Column("defined_at", "Written", "date"),
                Column("first_sent_at", "First sent", "date"),
                Column("days_to_launch", "Days to launch", "decimal"),
                Column("baseline_days", "before automation", "decimal"),
                Column("days_saved", "Days saved", "signed"),
            ),
        ),
    ),
)

OPERATION = (RUNS, PORTFOLIO, CONSENT, LAUNCHES)
