"""Run a piece of work in a process of its own and say what it took; nothing else shares its memory or CPU time."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

# ru_maxrss counts kilobytes on Linux and bytes on macOS.
MAXRSS_PER_MB = 1_000_000 if sys.platform == "darwin" else 1_000


@dataclass(frozen=True)
class Usage:
    """``wall`` and ``cpu`` (user and system) in seconds, peak resident memory in MB; with its children."""

    wall: float
    cpu: float
    peak_mb: float


def measured(work: Callable[[], None]) -> Usage:
    """Fork, do ``work`` in the child, and wait. Raises ``RuntimeError`` where it failed.

    The child begins with this process's memory as its peak, so this process keeps no data and opens no engine
    (whose threads a fork would lose).
    """
    sys.stdout.flush()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  # the child must end here, whatever it was
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    if status != 0:
        raise RuntimeError(f"a measured process failed with status {os.waitstatus_to_exitcode(status)}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MAXRSS_PER_MB)
