"""The flow ``run-campaigns``: the steps of ``muster run``, with its clock from the schedule."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import deployment, flow_run

from activation import settings
from activation.campaigns import choose, load_campaigns
from activation.clock import clock_of, parse_moment
from activation.errors import ConfigurationError
from activation.freeze import is_frozen
from activation.home import World, open_home
from activation.request import RunRequest, default_run_id, open_request, record_request
from activation.run import check_step
from flows.outcome import error_of
from flows.steps import build, deliver_and_report, guard, land, score


@flow(name="run-campaigns", persist_result=False, result_serializer="json")
def run_campaigns(
    campaigns: list[str] | None = None, as_of: str | None = None, run_id: str | None = None
) -> None:
    """Land, score, build, freeze, guard, deliver, report.

    campaigns: those that compete in this run; none means all.
    as_of: the run's clock in UTC, as in 2026-11-21T14:00; by default when the flow run was scheduled to start.
    run_id: by default it follows from as_of and campaigns, so that a retry, or a second flow run for the same
    moment, goes on with the same run and sends nothing twice.

    Ends as failed, with the reason, where ``muster run`` would end with another exit code than 0.
    """
    request = requested(campaigns or [], as_of, run_id)
    home = open_home(settings.home_path())
    check_step(home, request.campaigns)
    if not is_frozen(home, request.run_id):
        land(request.run_id)
        score(request.run_id)
    build(request.run_id)
    rulings = guard(request.run_id)
    error = error_of(deliver_and_report(request.run_id, rulings))
    if error is not None:
        raise error


def requested(campaigns: list[str], as_of: str | None, run_id: str | None) -> RunRequest:
    """Put on disk what this flow run asks for.

    The scheduled start of a flow run stays what it was when the flow run is retried, so a retry asks for the same.
    Raises ``ConfigurationError`` where a rehearsal home is given no as_of: its clock is not the schedule's.
    """
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns)
    if as_of is None and home.world is World.REHEARSAL:
        raise ConfigurationError(
            "this is a rehearsal home, whose clock is not the schedule's: give as_of, as in 2017-11-22T14:00"
        )
    moment = parse_moment(as_of or flow_run.scheduled_start_time.isoformat()).replace(microsecond=0)
    request = open_request(
        home,
        clock_of(home),
        as_of=moment,
        run_id=run_id or default_run_id(moment, campaigns),
        campaigns=names,
        requested_by=f"deployment {deployment.name}" if deployment.name else "a flow run",
    )
    record_request(home, request)
    return request
