"""The section about what is far from usual."""

from __future__ import annotations

from activation.reporting.parts import Column, Part, Section, words

ANOMALIES = Section(
    "anomalies",
    "What is not as usual",
    "Sizes, volumes, opt-outs, complaints, growth and the age of inputs, each against like days. What would be unsafe "
    "to send stops its campaign before anything leaves.",
    (
        Part(
            "Far from usual",
            """
            select
                measure, subject, observed_date, measured, usual, lowest, highest, verdict, consequence,
                campaigns_stopped
            from reports.rpt_anomalies
            where is_anomalous
            order by campaigns_stopped desc, measure, subject
            """,
            (
                words("measure", "What"),
                words("subject", "Of"),
                Column("observed_date", "On", "date"),
                Column("measured", "Measured", "decimal"),
                Column("usual", "Usual", "decimal"),
                Column("lowest", "from", "decimal"),
                Column("highest", "to", "decimal"),
                words("verdict", "Verdict"),
                words("consequence", "What followed"),
                Column("campaigns_stopped", "Campaigns stopped"),
            ),
            empty="Nothing: all that is watched is as usual, or too new to have a usual.",
        ),
        Part(
            "What is watched",
            """
            select
                measure,
                count(*) as watched,
                count(*) filter (is_anomalous) as far,
                count(*) filter (highest is null) as too_new
            from reports.rpt_anomalies
            group by measure
            order by measure
            """,
            (
                words("measure", "What"),
                Column("watched", "Watched"),
                Column("far", "far from usual"),
                Column("too_new", "too few like days to say"),
            ),
        ),
    ),
)
