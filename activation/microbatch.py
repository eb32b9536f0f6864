"""Micro-batches: a campaign that answers to events decides on what came since the last full build, and on no more.

Its run copies the published warehouse, lands what is in the inbox, and builds anew what carries the tag
``micro_batch`` (events, orders, consents, suppressions, contacts, and all shared rules), the campaign and the
audiences it reads. Who a person is and what the person is worth stay as the last full build left them. The copy is not
published: whoever reads the warehouse reads one whole build. The next full build reads the same events again.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from activation.campaigns import Build, load_campaigns
from activation.home import Home
from activation.request import RunRequest
from activation.settings import PROJECT

MAX_AGE = timedelta(hours=36)  # a nightly build that failed once still serves; after that everything is built
WATERFALL = (
    "assert_waterfall_is_closed"  # reads all campaigns, and is asked all the same: it looks at the run's
)
_READS = re.compile(r"ref\('(aud_\w+)'\)")


@dataclass(frozen=True)
class Base:
    """The full build that a micro-batch stands on."""

    run_id: str
    as_of: datetime
    file: Path

    def copy_to(self, file: Path) -> None:
        """Lay a copy where the micro-batch builds."""
        shutil.copyfile(self.file, file)


def base_of(home: Home, request: RunRequest) -> Base | None:
    """The published warehouse, where all campaigns asked for are micro-batches and it is fit; else None: build all.

    It is fit where it was built as of an earlier moment, at most 36 hours ago.
    """
    known = load_campaigns()
    if any(known[name].build is not Build.MICRO_BATCH for name in request.campaigns):
        return None
    if not home.warehouse_file.exists():
        return None
    try:
        with duckdb.connect(str(home.warehouse_file), read_only=True) as engine:
            found = engine.execute("select run_id, as_of from reports.rpt_build").fetchone()
    except duckdb.Error:  # a warehouse of an earlier version, or none at all
        return None
    if found is None:
        return None
    as_of = found[1].replace(tzinfo=UTC)
    is_fit = as_of < request.as_of <= as_of + MAX_AGE
    return Base(str(found[0]), as_of, home.warehouse_file) if is_fit else None


def selection(request: RunRequest, project: Path = PROJECT) -> list[str]:
    """What dbt builds: the tagged models, the campaigns, and the audiences below them; tests of these alone."""
    campaigns = [f"cmp_{name}" for name in request.campaigns]
    audiences = _audiences_below(
        [project / "models" / "campaigns" / f"{name}.sql" for name in campaigns], project
    )
    chosen = ["tag:micro_batch", *campaigns, *sorted(audiences), WATERFALL]
    return ["--select", *chosen, "--indirect-selection", "cautious"]


def _audiences_below(files: list[Path], project: Path) -> set[str]:
    found: set[str] = set()
    while files:
        names = {name for file in files for name in _READS.findall(file.read_text())} - found
        found |= names
        files = [project / "models" / "audiences" / f"{name}.sql" for name in names]
    return found
