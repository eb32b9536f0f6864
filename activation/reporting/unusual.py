"""What the last measuring found far from usual, for people who do not look at the report every day."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import duckdb

from activation.home import Home

MANY = 100
_QUERY = """
    select measure, subject, cast(measured as double), cast(usual as double), verdict, consequence
    from reports.rpt_anomalies
    where is_anomalous
    order by consequence = 'show', measure, subject
"""


@dataclass(frozen=True)
class Unusual:
    """One size that is far from what like days let expect; ``consequence`` is ``hold``, ``approve`` or ``show``."""

    measure: str
    subject: str
    measured: float
    usual: float
    verdict: str
    consequence: str

    def in_words(self) -> str:
        """A line that names nobody."""
        followed = {"hold": "; it is held", "approve": "; it waits for approval"}.get(self.consequence, "")
        sizes = f"{_short(self.measured)}, {self.verdict} ({_short(self.usual)})"
        return f"{self.measure} of {self.subject}: {sizes}{followed}"


def unusual(home: Home) -> list[Unusual]:
    """What is far from usual in the published warehouse; what stops a campaign comes first.

    Nothing where the reports were never built.
    """
    if not home.warehouse_file.exists():
        return []
    with closing(duckdb.connect(str(home.warehouse_file), read_only=True)) as engine:
        try:
            return [Unusual(*row) for row in engine.execute(_QUERY).fetchall()]
        except duckdb.CatalogException:
            return []


def alarm_text(found: list[Unusual]) -> str:
    """What people are told."""
    lines = "\n".join(f"- {each.in_words()}" for each in found)
    return (
        f"Muster: {len(found)} sizes are far from usual.\n{lines}\n"
        "What to do: see 'What is not as usual' in the report, and mend the feed or the audience before the next run."
    )


def _short(value: float) -> str:
    """A size in whole people, a share in three digits."""
    return f"{value:,.0f}" if abs(value) >= MANY else f"{value:.3g}"
