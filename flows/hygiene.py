"""The flow ``hygiene``: each hour, land consents, opt-outs and all else, and end the erasures that waited."""

from __future__ import annotations

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from activation import console, settings
from activation.clock import clock_of
from activation.home import open_home
from activation.privacy.erase import finish
from activation.privacy.pending import pending
from activation.run import land_step
from flows.artifacts import show_counts
from flows.discretion import discreet
from flows.turns import is_too_late, patiently
from flows.witness import tell_landed


@flow(name="hygiene", persist_result=False, result_serializer="json")
def hygiene(max_lateness_minutes: float | None = None) -> None:
    """Land what is in the inbox, so that the re-check of every delivery knows each opt-out within the hour.

    Rows that break their contract are set aside and counted; erasures that were interrupted, or waited for the sets
    that held a person, are brought to their end. Ends as failed where a whole file had to be set aside.
    """
    home = open_home(settings.home_path())
    if is_too_late(home, max_lateness_minutes):
        return
    tidy()


@task(name="tidy", cache_policy=NO_CACHE, persist_result=False)
@discreet("tidy")
def tidy() -> None:
    """Do it, and show what was landed and what was set aside."""
    home = open_home(settings.home_path())
    clock = clock_of(home)
    loads = patiently(lambda: land_step(home, clock))
    tell_landed(loads)
    ended = [each for each in patiently(lambda: finish(home)) if not each.sets] if pending(home) else []
    get_run_logger().info("landed:\n%s", console.load_lines(loads))
    tables = sorted({file.table for file in loads.files})
    show_counts(
        "hygiene",
        [
            {
                "table": table,
                "landed": sum(file.landed for file in loads.files if file.table == table),
                "set aside": sum(file.quarantined for file in loads.files if file.table == table),
            }
            for table in tables
        ]
        + [{"table": "erasures ended", "landed": len(ended), "set aside": 0}],
        "What hygiene landed, what it set aside, and the erasures that came to their end.",
    )
