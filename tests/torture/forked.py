"""Processes that cost a few milliseconds: forks of one that has everything imported and no thread of its own."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation.errors import ConfigurationError, MusterError

CRASHED = 70
PR_SET_PDEATHSIG = 1
NAP = 0.0005


@dataclass
class Child:
    """A process that was begun; ``status`` is its exit code, or the negative number of the signal that ended it.

    ``took`` and ``cpu`` are seconds.
    """

    pid: int
    began_at: float
    status: int | None = None
    took: float = 0.0
    cpu: float = 0.0

    def poll(self) -> int | None:
        if self.status is None:
            found, status, usage = os.wait4(self.pid, os.WNOHANG)
            if found:
                self.cpu = usage.ru_utime + usage.ru_stime
                self.status = os.waitstatus_to_exitcode(status)
                self.took = time.monotonic() - self.began_at
        return self.status

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, at most so long."""
        give_up_at = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < give_up_at:
            time.sleep(NAP)
        return self.status

    def send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> int:
        """End it at once, and wait until it has."""
        self.send(signal.SIGKILL)
        status = self.wait(30)
        assert status is not None
        return status


def fork(function: Callable[..., int | None], *arguments: Any, log: Path | None = None) -> Child:
    """Run a function in a process of its own; what it says goes into ``log``. It dies with its parent.

    Its exit code is what the function gives, an error's own code, or 70 for what is no error of ours.
    """
    gc.collect()
    gc.freeze()
    began_at = time.monotonic()
    pid = os.fork()
    if pid:
        return Child(pid, began_at)
    code = CRASHED
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        descriptor = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        code = function(*arguments) or 0
    except MusterError as error:
        code = error.exit_code
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    except OSError as error:  # as the command line ends
        code = ConfigurationError.exit_code
        os.write(2, f"OSError: {error.strerror}\n".encode())
    except BaseException:  # noqa: BLE001 - a child never returns into its parent's code
        os.write(2, traceback.format_exc().encode())
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(code)


def asked(function: Callable[..., Any], *arguments: Any) -> Any:
    """Give what a function gives, called in a process of its own, so that no thread of an engine begins in this one."""
    reading, writing = os.pipe()

    def answer() -> None:
        os.close(reading)
        try:
            found: tuple[bool, Any] = (True, function(*arguments))
        except BaseException:  # noqa: BLE001 - told to who asked
            found = (False, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(found, pipe)

    child = fork(answer)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    child.wait(30)
    is_well, found = pickle.loads(content) if content else (False, f"it ended with {child.status}")
    if not is_well:
        raise AssertionError(found)
    return found
