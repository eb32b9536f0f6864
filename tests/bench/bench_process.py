"""Run a piece of work in a fresh process and say what it took; nothing else shares its memory or CPU time."""

from __future__ import annotations

import json
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

# ru_maxrss counts kilobytes on Linux and bytes on macOS.
MAXRSS_PER_MB = 1_000_000 if sys.platform == "darwin" else 1_000
WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(frozen=True)
class Usage:
    """``wall`` and ``cpu`` (user and system) in seconds, peak resident memory in MB; with its children's."""

    wall: float
    cpu: float
    peak_mb: float


def measured(work: Callable[..., None], *arguments: Any) -> Usage:
    """Call a module's function in a process of its own. Raises ``CalledProcessError`` where that failed.

    The clocks start after its module was imported; its peak has what was imported, some 140 MB. No peak is below
    this process's own (the kernel counts from before the exec), so large work is not done in this one.
    """
    told = subprocess.run(
        [sys.executable, __file__],
        input=pickle.dumps((work, arguments)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Usage(**json.loads(told.stdout))


def _measure(work: Callable[..., None], *arguments: Any) -> Usage:
    cpu, wall = _cpu(), time.perf_counter()
    work(*arguments)
    wall = time.perf_counter() - wall
    peak = max(resource.getrusage(who).ru_maxrss for who in WHOSE)
    return Usage(wall, _cpu() - cpu, peak / MAXRSS_PER_MB)


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in WHOSE]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    # From the process above, and from nobody else.
    function, given = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(asdict(_measure(function, *given))))
