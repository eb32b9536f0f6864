"""The flow ``collect-feedback``: the steps of ``muster collect`` and ``muster land``."""

from __future__ import annotations

from prefect import flow

from activation.errors import DestinationDownError
from flows.steps import collect, land


@flow(name="collect-feedback", persist_result=False, result_serializer="json")
def collect_feedback(sources: list[str] | None = None) -> None:
    """Bring what providers report back into the landing zone, and resolve doubts by it.

    sources: those to collect from; none means all.

    Ends as failed where a source could not be read whole; what it gave before is landed all the same.
    """
    problem = collect(sources or [])
    land()
    if problem is not None:
        raise DestinationDownError(problem)
