"""The flow ``cart-events``: a micro-batch that starts when carts were landed, and each hour for those that ripen."""

from __future__ import annotations

from prefect import flow

from activation import settings
from activation.clock import clock_of
from activation.home import open_home
from activation.sensors import Look, carts_look
from flows.approval import WAIT_HOURS
from flows.run_campaigns import moment_of, run_where_due
from flows.steps import land
from flows.turns import is_too_late


@flow(name="cart-events", persist_result=False, result_serializer="json")
def cart_events(
    campaigns: list[str],
    as_of: str | None = None,
    max_lateness_minutes: float | None = None,
    wait_for_approval_hours: float = WAIT_HOURS,
) -> None:
    """Land, look whether there are carts to decide on, and run each of ``campaigns`` where there are.

    A flow run that an approver's answer started again, or a retry, goes on with the run that it had begun.
    """
    home = open_home(settings.home_path())
    moment = moment_of(home, as_of)
    if is_too_late(home, max_lateness_minutes):
        return
    clock = clock_of(home)
    clock.step_to(moment)
    land()

    def look_at(campaign: str) -> Look:
        return carts_look(home, campaign, moment, clock.now())

    run_where_due(home, campaigns, moment, look_at, wait_for_approval_hours)
