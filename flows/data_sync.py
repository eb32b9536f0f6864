"""The flow ``data-sync``: what every run of the day stands on, before any of them begins."""

from __future__ import annotations

import os
from dataclasses import asdict

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from activation import settings
from activation.alerts import alert
from activation.campaigns import choose, load_campaigns
from activation.catalogue import write_catalogue
from activation.clock import clock_of
from activation.home import Home, open_home
from activation.maintenance import sync_step
from activation.reporting.measure import measure_step
from activation.reporting.unusual import alarm_text, unusual
from activation.request import open_request
from flows.artifacts import SITE_URL, show_counts
from flows.discretion import discreet
from flows.run_campaigns import moment_of
from flows.turns import is_too_late, patiently, turn_to_decide


@flow(name="data-sync", persist_result=False, result_serializer="json")
def data_sync(as_of: str | None = None, max_lateness_minutes: float | None = None) -> None:
    """Land the inbox, fit the scores that are old, build and test the warehouse, and publish it.

    as_of: the clock of the build in UTC; by default when the flow run was scheduled to start.
    max_lateness_minutes: a sync of a live home that comes later is left to the next one.

    Then all is measured that reports show, and the catalogue is written anew. Ends as failed where a test on a shared
    layer fails: the runs that stand on it are held then.
    """
    home = open_home(settings.home_path())
    if is_too_late(home, max_lateness_minutes):
        return
    with turn_to_decide(home):
        sync(home, as_of)
    # From here on the runs of the day have what they wait for; what people read comes after it.
    measure(home)
    tell_unusual(home)
    refresh_catalogue(home)


@task(name="sync", cache_policy=NO_CACHE, persist_result=False)
@discreet("sync")
def sync(home: Home, as_of: str | None) -> None:
    """Do it, in the turn that the flow holds, and show what was built."""
    moment, clock = moment_of(home, as_of), clock_of(home)
    request = open_request(
        home,
        clock,
        as_of=moment,
        run_id=f"sync-{moment:%Y%m%dT%H%M%SZ}",
        campaigns=choose(load_campaigns(), []),
        requested_by="data-sync",
    )
    synced = patiently(lambda: sync_step(home, request, clock))
    show_counts(
        "data-sync",
        [{"what": "rows landed", "count": synced.landed}]
        + [{"what": f"dbt: {status}", "count": count} for status, count in sorted(synced.counts.items())],
        f"The data sync as of {synced.as_of:%Y-%m-%d %H:%M} UTC. Campaigns of the day wait for it.",
    )
    get_run_logger().info("the warehouse is built and published as of %s", synced.as_of.isoformat())


@task(name="measure", cache_policy=NO_CACHE, persist_result=False)
@discreet("measure")
def measure(home: Home) -> None:
    """Build the models that no decision reads: lift, anomalies, regrets and what else the report shows."""
    measured = patiently(lambda: measure_step(home, clock_of(home)))
    get_run_logger().info("measured as of %s", measured.as_of.isoformat())


@task(name="tell-unusual", cache_policy=NO_CACHE, persist_result=False)
@discreet("tell-unusual")
def tell_unusual(home: Home) -> int:
    """Show what is far from usual, and tell it where alarms go. Gives how much there is."""
    found = unusual(home)
    show_counts("anomalies", [asdict(each) for each in found], "What is far from what like days let expect.")
    for problem in alert(home, alarm_text(found), link=os.environ.get(SITE_URL)) if found else []:
        get_run_logger().warning("%s", problem)
    return len(found)


@task(name="catalogue", cache_policy=NO_CACHE, persist_result=False)
@discreet("catalogue")
def refresh_catalogue(home: Home) -> None:
    """Write the dbt docs of what was published into ``docs/`` of the home, which the site serves."""
    file = patiently(lambda: write_catalogue(home))
    get_run_logger().info("the catalogue is %s", file.name)
