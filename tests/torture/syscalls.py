"""Kill who delivers at every system call of a small run, and let its calls fail: disk full, or an input/output error.

strace counts the calls of an undisturbed run first; then each is struck in a run of its own, by the name of the call
and how often that was made. What was left is then delivered to its end, and checked.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from forked import CRASHED, Child, fork
from kills import LONGEST, Tally, finish
from place import Place, Shape, go, place

# What brings something to disk or to the destination: none of them is left out.
DURABLE = frozenset(
    {"write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat2", "unlink", "ftruncate", "sendto",
     "mkdir", "flock"}
)  # fmt: skip
FAILING = ("write", "pwrite64", "fsync", "fdatasync", "rename", "ftruncate", "openat", "mkdir", "flock")
ERRORS = ("ENOSPC", "EIO")
CALL = re.compile(r"^(\d+) +(\w+)\(")


def kills_at_calls(directory: Path, shape: Shape, template: Path, every: int, most: int) -> Tally:
    """Kill at each durable call, and at one in ``every`` of the others; at most so many in all."""
    tally = Tally("kill at a system call")
    calls = counted(directory, shape, template)
    durable = [call for call in calls if call[0] in DURABLE]
    others = [call for call in calls if call[0] not in DURABLE]
    struck = sorted(durable + others[::every], key=calls.index)
    step = max(1, len(struck) // most)
    tally.note = f"of {len(calls)} calls"
    for name, number in struck[::step]:
        with place(directory, template, shape) as at:
            child = traced(at, f"inject={name}:signal=KILL:when={number}")
            if child.wait(LONGEST) == -signal.SIGKILL:
                tally.trials += 1
                at.note_open()
            finish(at, tally)
    return tally


def failing_calls(directory: Path, shape: Shape, template: Path, most: int, seed: int) -> Tally:
    """Let one call of those that write fail, or all of its name from then on; then there is room again."""
    tally = Tally("disk full or broken")
    calls = [call for call in counted(directory, shape, template) if call[0] in FAILING]
    wanted = [(*call, error) for call in calls for error in ERRORS]
    step = max(1, len(wanted) // most)
    for place_in, (name, number, error) in enumerate(wanted[seed % step :: step]):
        with place(directory, template, shape) as at:
            since = "+" if place_in % 2 else ""
            child = traced(at, f"inject={name}:error={error}:when={number}{since}")
            status = child.wait(LONGEST)
            if status is None:
                child.kill()
            tally.trials += 1
            if status in {None, CRASHED}:
                said = (
                    (at.path / "children.log").read_text()[-1500:]
                    if (at.path / "children.log").exists()
                    else ""
                )
                tally.broken.append(
                    f"invariant 10: {error} at {name} {number} ended it with {status}: {said}"
                )
            (at.path / "children.log").unlink(missing_ok=True)
            at.note_open()
            finish(at, tally)
    return tally


def counted(directory: Path, shape: Shape, template: Path) -> list[tuple[str, int]]:
    """The system calls of an undisturbed run, in their order: each by its name and how often that came."""
    with place(directory, template, shape) as at:
        log = directory / "calls"
        traced(at, "trace=all", log).wait(LONGEST)
        seen: Counter[str] = Counter()
        found = []
        lines = log.read_text().splitlines()
        first = lines[0].split()[0]
        for line in lines:
            match = CALL.match(line)
            if match and match[1] == first:
                seen[match[2]] += 1
                found.append((match[2], seen[match[2]]))
    return found


def traced(at: Place, expression: str, log: Path = Path(os.devnull)) -> Child:
    """Begin to deliver under strace, which counts from the first call on."""
    reading, writing = os.pipe()
    child = fork(_when_told, reading, writing, at.path, at.shape, log=at.path / "children.log")
    os.close(reading)
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-p", str(child.pid), "-o", str(log), "-e", expression],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    status = Path(f"/proc/{child.pid}/status")
    give_up_at = time.monotonic() + LONGEST
    while "TracerPid:\t0" in status.read_text() and time.monotonic() < give_up_at:
        time.sleep(0.001)
    with suppress(BrokenPipeError):  # it was struck while it waited
        os.write(writing, b"1")
    os.close(writing)
    return _Traced(child.pid, child.began_at, tracer=tracer)


class _Traced(Child):
    """A child whose tracer is waited for too."""

    def __init__(self, pid: int, began_at: float, tracer: subprocess.Popen[bytes]) -> None:
        super().__init__(pid, began_at)
        self._tracer = tracer

    def wait(self, seconds: float) -> int | None:
        found = super().wait(seconds)
        if found is not None:
            self._tracer.wait(10)
        return found


def _when_told(reading: int, writing: int, path: Path, shape: Shape) -> int:
    os.close(writing)
    os.read(reading, 1)
    return go(path, shape, "one_engine_thread")


def is_possible() -> bool:
    """Whether strace is there and may trace."""
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-qq", "-o", os.devnull, "-e", "inject=close:error=EIO:when=1000", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def shapes(destinations: Sequence[str]) -> list[Shape]:
    """Small runs: few people, few requests."""
    return [replace(Shape(destination), people=12, rows=4) for destination in destinations]
