"""The steps of a run as Prefect tasks, one each.

They pass the run's id, verdicts and counts; everything else lies in the home. No result is persisted or cached:
what a step did stands in the home, and asking it again goes on from there.
"""

from __future__ import annotations

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger

from activation import console, settings
from activation.clock import clock_of
from activation.collect.collect import collect as collect_feedback
from activation.collect.collect import in_words
from activation.errors import DestinationDownError
from activation.freeze import is_frozen
from activation.frozen import read_frozen
from activation.guard import Verdict
from activation.home import open_home
from activation.request import read_request
from activation.run import (
    Outcome,
    deliver_step,
    freeze_step,
    guard_step,
    land_for,
    land_step,
    report_step,
    score_step,
)
from flows.artifacts import show_dbt_results, show_deliveries, show_guards, show_links, show_waterfall
from flows.discretion import discreet, orderly_stop
from flows.outcome import (
    Plain,
    deliveries_of,
    error_of,
    plain_deliveries,
    plain_rulings,
    rulings_of,
)
from flows.progress import live_progress
from flows.turns import alone_with, patiently
from flows.witness import tell_landed

RETRIES = 2


async def is_down(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Whether a task failed because a destination is down."""
    return isinstance(await state.aresult(raise_on_failure=False), DestinationDownError)


@task(name="collect", cache_policy=NO_CACHE, persist_result=False)
@discreet("collect")
def collect(sources: list[str]) -> str | None:
    """Bring what providers report back into the inbox. Gives what kept a source from being read whole."""
    home = open_home(settings.home_path())
    found = patiently(lambda: collect_feedback(home, clock_of(home), sources))
    get_run_logger().info("collected:\n%s", in_words(found))
    return "; ".join(each.problem for each in found if each.problem) or None


@task(name="land", cache_policy=NO_CACHE, persist_result=False)
@discreet("land")
def land(run_id: str | None = None) -> int:
    """Land the inbox, for a run that is about to be decided or for none. Gives the rows that are new."""
    home = open_home(settings.home_path())
    clock = clock_of(home)
    request = read_request(home, run_id) if run_id else None
    loads = patiently(lambda: land_for(home, request, clock) if request else land_step(home, clock))
    get_run_logger().info("landed:\n%s", console.load_lines(loads))
    tell_landed(loads)
    return loads.landed


@task(name="score", cache_policy=NO_CACHE, persist_result=False)
@discreet("score")
def score(run_id: str) -> bool:
    """Fit the score models for a run that is about to be decided, where the newest fit is old. Says whether it was."""
    home = open_home(settings.home_path())
    request = read_request(home, run_id)
    scores = patiently(lambda: score_step(home, request))
    get_run_logger().info("scores:\n%s", scores.in_words() or "  the newest fit of every model is fresh")
    return scores.is_refitted


@task(name="build", cache_policy=NO_CACHE, persist_result=False)
@discreet("build")
def build(run_id: str) -> str:
    """Build and freeze a run whose request is on disk; a frozen one stays as it is. Gives its digest."""
    home = open_home(settings.home_path())
    was_frozen = is_frozen(home, run_id)
    request = read_request(home, run_id)
    run = patiently(lambda: freeze_step(home, request, clock_of(home)))
    if not was_frozen:
        show_dbt_results(home, run)
    get_run_logger().info(
        "run %s %s frozen, digest %s", run_id, "was" if was_frozen else "is", run.digest[:16]
    )
    return run.digest


@task(name="guard", cache_policy=NO_CACHE, persist_result=False)
@discreet("guard")
def guard(run_id: str, *, shows_waterfall: bool = True) -> Plain:
    """What each campaign of a frozen run may do."""
    home = open_home(settings.home_path())
    run = read_frozen(home, run_id)
    rulings = guard_step(home, run, clock_of(home))
    if shows_waterfall:
        show_waterfall(home, Outcome(run, rulings, {}))
        show_guards(Outcome(run, rulings, {}))
        show_links(run)
    return plain_rulings(rulings)


# Only a destination that is down is worth another try. That is safe because of the journal, not of Prefect: what
# was sent, or may have been, is never claimed again.
@task(
    name="deliver",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=RETRIES,
    retry_delay_seconds=[60, 300],
    retry_condition_fn=is_down,
)
@discreet("deliver")
def deliver(run_id: str, rulings: Plain) -> Plain:
    """Deliver the campaigns that may go. Raises ``DestinationDownError`` where a destination is down."""
    home = open_home(settings.home_path())
    run = read_frozen(home, run_id)
    ruled = rulings_of(rulings)
    going = [name for name, ruling in ruled.items() if ruling.verdict is Verdict.GO and ruling.planned]
    with alone_with(going), orderly_stop() as should_stop, live_progress() as progress:
        deliveries = deliver_step(
            home, run, ruled, clock_of(home), should_stop=should_stop, progress=progress
        )
    outcome = Outcome(run, ruled, deliveries)
    show_deliveries(outcome)
    get_run_logger().info("delivered of run %s:\n%s", run_id, console.outcome_lines(outcome))
    error = error_of(outcome)
    if isinstance(error, DestinationDownError):
        raise error
    return plain_deliveries(deliveries)


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
@discreet("report")
def report(run_id: str) -> None:
    """Read the ledger back into the report models."""
    home = open_home(settings.home_path())
    run = read_frozen(home, run_id)
    patiently(lambda: report_step(home, run, clock_of(home)))


def deliver_and_report(run_id: str, rulings: Plain, retries: int = RETRIES) -> Outcome:
    """Deliver a run and, where anything was sent, bring the reports up to date.

    Raises ``DestinationDownError`` where a destination is still down after so many ``retries``.
    """
    try:
        deliveries = deliver.with_options(retries=retries)(run_id, rulings)
    except DestinationDownError:
        # What other destinations took belongs in the reports; a report that fails must not hide the error.
        report(run_id, return_state=True)
        raise
    if any(delivery["requests"] for delivery in deliveries.values()):
        report(run_id)
    home = open_home(settings.home_path())
    return Outcome(read_frozen(home, run_id), rulings_of(rulings), deliveries_of(deliveries))
