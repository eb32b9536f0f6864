"""Faults that a test scripts: which requests meet them, and when.

=================== =========================================================================
``status:<code>``   answer with this status and accept nobody; a 3xx points elsewhere
``retry_after:<s>`` answer 429 with ``Retry-After`` and accept nobody
``drop``            accept nobody and close the connection
``accept_then_500`` accept, and answer 500
``accept_then_drop`` accept, and close the connection without an answer
``garbage``         accept, and answer 200 with something that is no answer
``drip``            accept, and send the answer byte by byte, slowly
``sleep:<s>``       accept, and answer late
``refuse:<row>``    the dummies alone: refuse this row of the request, and accept the others
``late:<s>``        the dummies alone: accept late; a look-up says meanwhile that it is pending
``die``             the dummies alone: accept nobody, and tell the connector to kill its process
``accept_then_die`` the dummies alone: accept, and tell the connector to kill its process
=================== =========================================================================

A fault with a ``share`` meets so many of the requests that could meet it, as a generator with a fixed seed draws them.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any

from activation.errors import ConfigurationError

ARGUMENTS = {
    "status": int,
    "retry_after": float,
    "drop": None,
    "accept_then_500": None,
    "accept_then_drop": None,
    "garbage": None,
    "drip": None,
    "sleep": float,
    "refuse": int,
    "late": float,
    "die": None,
    "accept_then_die": None,
}
SEED = 8058


@dataclass
class Fault:
    """One scripted fault: ``count`` requests under ``path_prefix`` meet it, once ``after`` have passed."""

    path_prefix: str
    kind: str
    argument: float
    count: int
    after: int
    share: float = 1.0


class Faults:
    """The faults that still wait for a request; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._random = random.Random(SEED)  # noqa: S311 - what repeats, not what is secret

    def script(self, items: Any) -> None:
        """Add faults: dicts of ``path_prefix, fault`` and perhaps ``count`` (1), ``after`` (0) and ``share`` (1).

        Raises ``ConfigurationError`` where an item is not understood; then none is added.
        """
        try:
            faults = [_parse(item) for item in items]
        except (KeyError, TypeError, ValueError, AttributeError):
            known = ", ".join(ARGUMENTS)
            raise ConfigurationError(
                f"a fault is path_prefix, fault, count, after, share; faults: {known}"
            ) from None
        with self._lock:
            self._waiting.extend(faults)

    def forget(self) -> None:
        """Let every fault go that was scripted and not yet met."""
        with self._lock:
            self._waiting.clear()

    def meet(self, path: str) -> tuple[str, float]:
        """Take the fault that a request to ``path`` meets, with its argument; ``""`` for none."""
        with self._lock:
            for fault in self._waiting:
                if not path.startswith(fault.path_prefix) or fault.count <= 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.share < 1 and self._random.random() >= fault.share:
                    continue
                fault.count -= 1
                return fault.kind, fault.argument
        return "", 0.0


def _parse(item: Any) -> Fault:
    kind, _, argument = str(item["fault"]).partition(":")
    convert = ARGUMENTS[kind]
    value = convert(argument) if convert else 0.0
    count, after, share = int(item.get("count", 1)), int(item.get("after", 0)), float(item.get("share", 1))
    return Fault(str(item["path_prefix"]), kind, value, count, after, share)
