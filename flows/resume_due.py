"""The flow ``resume-due``: the steps of ``muster resume --due``, for what was planned for later hours."""

from __future__ import annotations

from dataclasses import replace

from prefect import flow

from activation import settings
from activation.clock import clock_of, parse_moment
from activation.errors import MusterError
from activation.guard import Verdict
from activation.home import open_home
from activation.status import statuses
from flows.outcome import error_of
from flows.steps import deliver_and_report, guard, land
from flows.turns import is_too_late
from flows.waiting import settle_waiting


@flow(name="resume-due", persist_result=False, result_serializer="json")
def resume_due(as_of: str | None = None, max_lateness_minutes: float | None = None) -> None:
    """Go on with every frozen run that has something left to send.

    as_of: where to move the clock of a rehearsal home first.
    max_lateness_minutes: in a live home, one that comes later is left to the next.

    What holds a run was told by the run itself and is not told again every hour. Ends as failed where a destination
    is down, an outcome is in doubt, or a run could not go on; the other runs go on all the same.
    """
    home = open_home(settings.home_path())
    if is_too_late(home, max_lateness_minutes):
        return
    clock = clock_of(home)
    if as_of:
        clock.step_to(parse_moment(as_of))
    land()
    settle_waiting(home)
    errors: list[MusterError] = []
    for run_id in [status.run_id for status in statuses(home) if status.is_open]:
        try:
            error = resume(run_id)
        except MusterError as raised:
            error = raised
        if error is not None:
            errors.append(type(error)(f"run {run_id}: {error}"))
    if errors:
        gravest = max(errors, key=lambda error: error.exit_code)
        raise type(gravest)(" | ".join(str(error) for error in errors))


def resume(run_id: str) -> MusterError | None:
    """Go on with one run; gives what a person must look at. The next hour is the next try, so there is no other."""
    rulings = guard(run_id, shows_waterfall=False)
    if not any(ruling["verdict"] == Verdict.GO and ruling["planned"] for ruling in rulings.values()):
        return None
    outcome = deliver_and_report(run_id, rulings, retries=0)
    return error_of(replace(outcome, rulings={}))
