"""What may be told of an error, and how a run that is cancelled ends: two manners that every step shares."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from activation.errors import MusterError


@contextmanager
def discreet(step: str) -> Iterator[None]:
    """Tell an unexpected error by its class and place alone.

    Prefect keeps the words of an error in its database, and those of a library may quote a row. Our own
    errors never do, so they pass as they are.
    """
    try:
        yield
    except MusterError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, its words stay here
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise RuntimeError(
            f"{step}: unexpected {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}; its "
            f"words are withheld because they may quote a person's data: the same step of `muster run` tells them"
        ) from None


@contextmanager
def orderly_stop() -> Iterator[Callable[[], bool]]:
    """Say whether the run was cancelled, so that the open request can be finished and recorded first.

    Then the signal is passed on to Prefect, which ends the run. Outside of the main thread, where no signal
    arrives, it never says so.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGTERM, before)
        if asked:
            signal.raise_signal(signal.SIGTERM)
