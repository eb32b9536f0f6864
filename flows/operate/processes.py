"""Processes that `muster up` starts and `muster down` ends: those alone, and with them all that they started.

A process is known by its id and by the mark in its environment, so that an id that the system gave to somebody else is
never taken for it. A worker that is killed leaves its flow runs behind, each in a session of its own; they bear the
mark too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from activation.home import write_atomically
from flows.operate.place import MARK, Place

_PROC = Path("/proc")


def start(place: Place, name: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> int:
    """Start a process in the background, its output in ``<name>.log``; give its id, also noted in ``<name>.pid``."""
    log = place.directory / f"{name}.log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    write_atomically(_note(place, name), str(process.pid).encode())
    return process.pid


def running(place: Place, name: str) -> int | None:
    """The id of a process of this name that runs; None where there is none."""
    try:
        pid = int(_note(place, name).read_text())
    except (OSError, ValueError):
        return None
    return pid if _is_ours(pid, place.mark) else None


def names(place: Place) -> list[str]:
    """The names of all processes that were started and not ended."""
    return sorted(file.stem for file in place.directory.glob("*.pid"))


def marked(place: Place) -> set[int]:
    """All processes that bear this operation's mark, but for this one and its parents."""
    found = set()
    for file in _PROC.glob("[0-9]*/environ"):
        pid = int(file.parent.name)
        if _is_ours(pid, place.mark):
            found.add(pid)
    return found - _lineage()


def end(place: Place, name: str, seconds: float) -> bool:
    """End one process in good order, and its note; say whether it ran. After ``seconds`` it is killed."""
    pid = running(place, name)
    if pid is not None:
        end_all(place, [pid], seconds)
    _note(place, name).unlink(missing_ok=True)
    return pid is not None


def end_all(place: Place, pids: Iterable[int], seconds: float) -> None:
    """Ask processes to end, wait for them, and kill what is left after ``seconds``."""
    left = set(pids)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in left:
            if _is_ours(pid, place.mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            _reap()
            left = {pid for pid in left if _is_ours(pid, place.mark)}
            time.sleep(0.1)
        if not left:
            return


def _is_ours(pid: int, mark: str) -> bool:
    """Whether a process lives and bears the mark."""
    try:
        if (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return False


def _lineage() -> set[int]:
    """This process and those above it."""
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        try:
            pid = int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            break
    return found


def _reap() -> None:
    """Take note of children of this process that ended, so that they are gone for good."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _note(place: Place, name: str) -> Path:
    return place.directory / f"{name}.pid"
