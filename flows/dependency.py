"""Maintenance before activation, by dependency: a run waits for its data sync, and without one it is held."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from activation.errors import HeldError
from activation.home import Home
from activation.maintenance import why_unsynced
from flows.discretion import discreet

POLL_SECONDS = 10.0


@task(name="await-sync", cache_policy=NO_CACHE, persist_result=False)
@discreet("await-sync")
def await_sync(home: Home, as_of: datetime, within_hours: float, wait_minutes: float) -> None:
    """Wait until the last good data sync is at most ``within_hours`` older than ``as_of``.

    Raises ``HeldError`` after ``wait_minutes``; nothing was decided then, and nothing is sent.
    """
    until = time.monotonic() + wait_minutes * 60
    while True:
        why = why_unsynced(home, as_of, timedelta(hours=within_hours))
        if why is None:
            return
        if time.monotonic() >= until:
            raise HeldError(
                f"nothing was decided: {why}. Look at the flow runs of `data-sync`, mend what failed and run it; "
                f"then run this deployment again"
            )
        get_run_logger().info("waiting for the data sync: %s", why)
        time.sleep(min(POLL_SECONDS, max(until - time.monotonic(), 0.1)))
