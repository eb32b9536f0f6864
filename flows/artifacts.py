"""What people see on a flow run's page: what dbt built, the waterfall, what was delivered. Counts only."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from activation.frozen import FrozenRun
from activation.guard import Verdict
from activation.home import Home
from activation.plans.difference import Difference, difference_lines, differences
from activation.request import read_request
from activation.run import Outcome
from activation.waterfall import as_markdown, waterfalls

_WORDS = {Verdict.GO: "may go", Verdict.HOLD: "**held**", Verdict.APPROVE: "**waits for approval**"}
SITE_URL = "MUSTER_SITE_URL"  # of the site that `muster up` serves; set by it
_STATES = ("accepted", "refused", "in_doubt", "excluded", "expired", "planned")


def show_dbt_results(home: Home, run: FrozenRun) -> None:
    """How many models, seeds and tests ended how in the build of this run."""
    file = home.build_directory(run.run_id) / "target" / "run_results.json"
    if not file.exists():  # another process built and froze this run while we waited
        return
    results = json.loads(file.read_text())
    counts = Counter((result["unique_id"].split(".")[0], result["status"]) for result in results["results"])
    create_table_artifact(
        [
            {"kind": kind, "status": status, "count": count}
            for (kind, status), count in sorted(counts.items())
        ],
        key="dbt-results",
        description=f"What dbt built for run {run.run_id}, in {results['elapsed_time']:.0f} seconds.",
    )


def show_waterfall(home: Home, outcome: Outcome) -> None:
    """What each campaign may do and why, and how it came from its candidates to what leaves."""
    run = outcome.run
    verdicts = [
        f"- {ruling.campaign}: {_WORDS[ruling.verdict]}, {ruling.planned:,} planned"
        + "".join(f"\n    - {reason}" for reason in ruling.reasons)
        for ruling in outcome.rulings.values()
    ]
    changes = differences(home, read_request(home, run.run_id), run.directory)
    tables = [
        as_markdown(waterfall) + _changes(changes.get(waterfall.campaign))
        for waterfall in waterfalls(run.directory)
    ]
    head = f"Run {run.run_id}, as of {run.as_of:%Y-%m-%d %H:%M} UTC, digest {run.digest[:16]}"
    create_markdown_artifact(
        "\n\n".join([head, "\n".join(verdicts), *(tables or ["No campaign had a candidate."])]),
        key="waterfall",
        description=f"Who would get what in run {run.run_id}, and who not and why.",
    )


def _changes(difference: Difference | None) -> str:
    return "".join(f"\n- {line.strip()}" for line in difference_lines(difference)) if difference else ""


def show_guards(outcome: Outcome) -> None:
    """The verdict on each campaign, one row each, with what tripped."""
    create_table_artifact(
        [
            {
                "campaign": ruling.campaign,
                "verdict": ruling.verdict.value,
                "planned": ruling.planned,
                "why": "; ".join((*ruling.reasons, *ruling.held_removals)),
            }
            for ruling in outcome.rulings.values()
        ],
        key="guards",
        description=f"What the guards said of run {outcome.run.run_id}; go is let out, hold and approve are not.",
    )


def show_links(run: FrozenRun) -> None:
    """Where the report and the docs are, where `muster up` serves them."""
    site = os.environ.get(SITE_URL)
    if site is not None:
        create_markdown_artifact(
            f"- [The report]({site}/reports/): what campaigns brought\n"
            f"- [The catalogue]({site}/docs/): each audience and campaign, with purpose, criteria and lineage\n"
            f"- Run `{run.run_id}` in a terminal: `muster explain CUSTOMER --run-id {run.run_id}`",
            key="links",
            description="Where to read on.",
        )


def show_counts(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """A table of counts, of maintenance."""
    create_table_artifact(rows, key=key, description=description)


def show_deliveries(outcome: Outcome) -> None:
    """How many requests this delivery made, and where the people of each campaign stand now."""
    rows = []
    for name, ruling in outcome.rulings.items():
        delivery = outcome.deliveries.get(name)
        counts = delivery.counts if delivery else {"planned": ruling.planned}
        rows.append(
            {
                "campaign": name,
                "verdict": ruling.verdict.value,
                "requests": delivery.requests if delivery else 0,
            }
            | {state: counts.get(state, 0) for state in _STATES}
            | {"due": f"{delivery.next_due:%Y-%m-%d %H:%M} UTC" if delivery and delivery.next_due else ""}
        )
    create_table_artifact(
        rows,
        key="delivery",
        description=f"What was delivered of run {outcome.run.run_id}, in people by state.",
    )
