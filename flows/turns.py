"""Whose turn it is: what excludes one another waits here, holding nothing that outlives its process.

Two runs of one home decide one after the other, because the later one counts what the earlier one reserved; they
deliver side by side. The locks are the kernel's, which frees them however a process ends. One campaign is delivered by
one process: the journal's lease sees to that, and Prefect's limit ``campaign-<name>`` lets the second one wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from prefect import get_run_logger
from prefect.concurrency.sync import concurrency
from prefect.runtime import flow_run

from activation.errors import BusyError, HeldError
from activation.home import Home, World

Value = TypeVar("Value")

WAIT_SECONDS = 3600.0
POLL_SECONDS = 2.0
# As long as the zombie automation takes to mark a killed flow run.
LEASE_SECONDS = 90.0
DECIDING = "deciding"


def patiently(
    call: Callable[[], Value], wait_seconds: float = WAIT_SECONDS, poll_seconds: float = POLL_SECONDS
) -> Value:
    """Call until nobody else is at it. Raises the last ``BusyError`` after ``wait_seconds``."""
    until = time.monotonic() + wait_seconds
    while True:
        try:
            return call()
        except BusyError:
            if time.monotonic() >= until:
                raise
            time.sleep(poll_seconds)


@contextmanager
def turn_to_decide(
    home: Home, wait_seconds: float = WAIT_SECONDS, poll_seconds: float = POLL_SECONDS
) -> Iterator[None]:
    """Wait for the turn to decide in this home, and keep it. Raises ``BusyError`` after ``wait_seconds``."""
    with ExitStack() as stack:
        patiently(
            lambda: stack.enter_context(home.lock(DECIDING, "deciding a run")), wait_seconds, poll_seconds
        )
        yield


@contextmanager
def alone_with(campaigns: Sequence[str]) -> Iterator[None]:
    """Hold each campaign's slot while it is delivered. Raises ``HeldError`` where it is not free in time.

    Where the limits are not on the server (`muster up` makes them), the journal's lease alone keeps two apart. A slot
    is a lease that this process renews: that of a killed one is free after ``LEASE_SECONDS``.
    """
    if not campaigns:
        yield
        return
    names = sorted(limit_of(name) for name in campaigns)
    with ExitStack() as stack:
        try:
            stack.enter_context(
                concurrency(
                    names,
                    timeout_seconds=WAIT_SECONDS,
                    lease_duration=LEASE_SECONDS,
                    raise_on_lease_renewal_failure=False,
                )
            )
        except TimeoutError:
            raise HeldError(
                f"{', '.join(campaigns)}: another flow run has been delivering for {WAIT_SECONDS / 60:.0f} minutes; "
                f"what was not sent stays planned, and the next `resume-due` goes on"
            ) from None
        yield


def limit_of(campaign: str) -> str:
    """The name of a campaign's concurrency limit on the server."""
    return f"campaign-{campaign}"


def scheduled_start() -> datetime:
    """When this flow run was scheduled to start, to the second; a retry and a resumed run keep it."""
    start: datetime = flow_run.scheduled_start_time
    return start.astimezone(UTC).replace(microsecond=0)


def is_too_late(home: Home, max_lateness_minutes: float | None) -> bool:
    """Whether maintenance of a live home comes so late that its next turn does it as well; logs it."""
    if max_lateness_minutes is None or home.world is not World.LIVE:
        return False
    late = datetime.now(UTC) - scheduled_start()
    if late <= timedelta(minutes=max_lateness_minutes):
        return False
    get_run_logger().warning(
        "%.0f minutes late, at most %.0f are allowed: left to the next run of this deployment",
        late.total_seconds() / 60,
        max_lateness_minutes,
    )
    return True
