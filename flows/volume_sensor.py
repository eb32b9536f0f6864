"""The flow ``volume-sensor``: every few minutes, look whether a volume batch is full; only then decide it.

The look counts; which sign-ups are in which cut, exactly as many as the batch says, is decided in SQL by the run.
"""

from __future__ import annotations

from prefect import flow

from activation import settings
from activation.home import open_home
from activation.sensors import Look, volume_look
from flows.approval import WAIT_HOURS
from flows.run_campaigns import moment_of, run_where_due
from flows.steps import land
from flows.turns import is_too_late


@flow(name="volume-sensor", persist_result=False, result_serializer="json")
def volume_sensor(
    campaigns: list[str],
    as_of: str | None = None,
    max_lateness_minutes: float | None = None,
    wait_for_approval_hours: float = WAIT_HOURS,
) -> None:
    """Land, look, and run each of ``campaigns`` whose batch may be full, or whose longest wait is over.

    A flow run that an approver's answer started again, or a retry, goes on with the run that it had begun.
    """
    home = open_home(settings.home_path())
    moment = moment_of(home, as_of)
    if is_too_late(home, max_lateness_minutes):
        return
    land()

    def look_at(campaign: str) -> Look:
        return volume_look(home, campaign, moment)

    run_where_due(home, campaigns, moment, look_at, wait_for_approval_hours)
