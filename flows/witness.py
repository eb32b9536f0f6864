"""What the flows tell Prefect's event feed: that rows of a table were landed. Counts only.

A deployment with a trigger on ``muster.landed`` of a table starts when such rows come, not when an hour is over.
"""

from __future__ import annotations

from collections import Counter

from prefect.events import emit_event

from activation.landing.report import LoadReport

LANDED = "muster.landed"


def tell_landed(loads: LoadReport) -> None:
    """Emit one event for each table that has new rows."""
    rows: Counter[str] = Counter()
    for file in loads.files:
        rows[file.table] += file.landed
    for table, count in rows.items():
        if count:
            emit_event(
                LANDED,
                resource={"prefect.resource.id": f"muster.landing.{table}", "prefect.resource.name": table},
                payload={"rows": count},
            )
