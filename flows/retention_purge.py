"""The flow ``retention-purge``: the steps of ``muster purge``."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from activation import settings
from activation.clock import clock_of
from activation.home import open_home
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger
from activation.privacy.purge import purge as purge_home
from flows.artifacts import show_counts
from flows.discretion import discreet
from flows.turns import is_too_late, patiently


@flow(name="retention-purge", persist_result=False, result_serializer="json")
def retention_purge(max_lateness_minutes: float | None = None) -> None:
    """Remove what is older than its table's limit says, and empty quarantine, drops and journal in time."""
    if is_too_late(open_home(settings.home_path()), max_lateness_minutes):
        return
    purge()


@task(name="purge", cache_policy=NO_CACHE, persist_result=False)
@discreet("purge")
def purge() -> None:
    """Do it, and show what was removed and what was kept."""
    home = open_home(settings.home_path())
    ensure_schema_files(home)
    ensure_ledger(home)
    done = patiently(lambda: purge_home(home, clock_of(home).now()))
    show_counts(
        "purge",
        [
            {
                "table": each.table,
                "limit in days": each.keep_days,
                "removed": each.removed,
                "kept": each.kept,
            }
            for each in done
        ],
        "What was older than its limit, and is gone. Of quarantine and drops the counts are of files.",
    )
