"""The flow ``run-campaigns``: the steps of ``muster run``, with its clock from the schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from prefect import flow, get_run_logger
from prefect.runtime import deployment

from activation import settings
from activation.campaigns import choose, load_campaigns
from activation.clock import clock_of, parse_moment
from activation.errors import ConfigurationError
from activation.freeze import is_frozen
from activation.home import Home, World, open_home
from activation.request import (
    MAX_LATENESS,
    RunRequest,
    default_run_id,
    open_request,
    record_request,
)
from activation.run import check_step
from activation.sensors import Look
from flows.approval import WAIT_HOURS, ask_approvers
from flows.dependency import await_sync
from flows.outcome import error_of
from flows.steps import build, deliver_and_report, guard, land, score
from flows.turns import scheduled_start, turn_to_decide


@flow(name="run-campaigns", persist_result=False, result_serializer="json")
def run_campaigns(  # noqa: PLR0917  # Prefect passes parameters by name
    campaigns: list[str] | None = None,
    as_of: str | None = None,
    run_id: str | None = None,
    max_lateness_minutes: float | None = None,
    sync_within_hours: float | None = None,
    wait_for_sync_minutes: float = 45,
    wait_for_approval_hours: float = WAIT_HOURS,
) -> None:
    """Wait for the data sync and land, score, build, freeze, guard, deliver, report; then ask for approvals.

    campaigns: those that compete in this run; none means all.
    as_of: the run's clock in UTC, as in 2026-11-21T14:00; by default when the flow run was scheduled to start.
    run_id: by default it follows from as_of and campaigns, so that a retry, or a second flow run for the same
    moment, goes on with the same run and sends nothing twice.
    max_lateness_minutes: a live run that is decided later than this after its as_of is held; by default six hours.
    sync_within_hours: how long before as_of the last good data sync may lie; none asks for none.
    wait_for_sync_minutes: how long to wait for it before the run is held.
    wait_for_approval_hours: how long the form stays open where a campaign waits for its approver; 0 asks nobody.

    Ends as failed, with the reason, where ``muster run`` would end with another exit code than 0.
    """
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns or [])
    moment = moment_of(home, as_of)
    name = run_id or default_run_id(moment.replace(microsecond=0), campaigns or [])
    check_step(home, names)
    if sync_within_hours is not None and not is_frozen(home, name):
        await_sync(home, moment, sync_within_hours, wait_for_sync_minutes)
    run_batch(campaigns or [], as_of, run_id, max_lateness_minutes, wait_for_approval_hours)


def run_batch(
    campaigns: list[str],
    as_of: str | None,
    run_id: str | None,
    max_lateness_minutes: float | None,
    wait_for_approval_hours: float,
) -> None:
    """Decide, deliver and ask, for whichever flow started it. See :func:`run_campaigns`."""
    home = open_home(settings.home_path())
    with turn_to_decide(home):
        # What it knows ends with its request, so the request is opened in its turn and not while it waits for it.
        request = requested(campaigns, as_of, run_id, max_lateness_minutes)
        check_step(home, request.campaigns)
        if not is_frozen(home, request.run_id):
            land(request.run_id)
            score(request.run_id)
        build(request.run_id)
    rulings = guard(request.run_id)
    outcome = deliver_and_report(request.run_id, rulings)
    outcome = ask_approvers(home, outcome, wait_for_approval_hours)
    error = error_of(outcome)
    if error is not None:
        raise error


def run_where_due(
    home: Home,
    campaigns: list[str],
    moment: datetime,
    look_at: Callable[[str], Look],
    wait_for_approval_hours: float,
) -> None:
    """Look at each campaign, and run it where that is due, each as a run of its own.

    A flow run that an approver's answer started again, or a retry, goes on with the run that it had begun.
    """
    for campaign in campaigns:
        run_id = f"{moment:%Y%m%dT%H%M%SZ}-{campaign}"
        look = look_at(campaign)
        get_run_logger().info("%s: %s", campaign, look.why)
        if look.is_due or (home.run_directory(run_id) / "request.json").exists():
            run_batch([campaign], moment.isoformat(), run_id, None, wait_for_approval_hours)


def requested(
    campaigns: list[str], as_of: str | None, run_id: str | None, max_lateness_minutes: float | None = None
) -> RunRequest:
    """Put on disk what this flow run asks for.

    The scheduled start of a flow run stays what it was when the flow run is retried, so a retry asks for the same.
    Raises ``ConfigurationError`` where a rehearsal home is given no as_of: its clock is not the schedule's;
    ``HeldError`` where a live run comes too late.
    """
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns)
    moment = moment_of(home, as_of)
    request = open_request(
        home,
        clock_of(home),
        as_of=moment,
        run_id=run_id or default_run_id(moment, campaigns),
        campaigns=names,
        requested_by=f"deployment {deployment.name}" if deployment.name else "a flow run",
        max_lateness=MAX_LATENESS
        if max_lateness_minutes is None
        else timedelta(minutes=max_lateness_minutes),
    )
    record_request(home, request)
    return request


def moment_of(home: Home, as_of: str | None) -> datetime:
    """The clock of a run: what it was given, else the scheduled start. Raises as :func:`requested`."""
    if as_of is not None:
        return parse_moment(as_of).replace(microsecond=0)
    if home.world is World.REHEARSAL:
        raise ConfigurationError(
            "this is a rehearsal home, whose clock is not the schedule's: give as_of, as in 2017-11-22T14:00"
        )
    return scheduled_start()
