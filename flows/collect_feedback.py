"""The flow ``collect-feedback``: the steps of ``muster collect`` and ``muster land``."""

from __future__ import annotations

from prefect import flow

from activation import settings
from activation.errors import DestinationDownError
from activation.home import open_home
from flows.steps import collect, land
from flows.turns import is_too_late


@flow(name="collect-feedback", persist_result=False, result_serializer="json")
def collect_feedback(sources: list[str] | None = None, max_lateness_minutes: float | None = None) -> None:
    """Bring what providers report back into the landing zone, and resolve doubts by it.

    sources: those to collect from; none means all.
    max_lateness_minutes: in a live home, one that comes later is left to the next.

    Ends as failed where a source could not be read whole; what it gave before is landed all the same.
    """
    if is_too_late(open_home(settings.home_path()), max_lateness_minutes):
        return
    problem = collect(sources or [])
    land()
    if problem is not None:
        raise DestinationDownError(problem)
