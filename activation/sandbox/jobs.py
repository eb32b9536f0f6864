"""Jobs that a platform took and works on later: kept beside what the sandbox accepted, so that they outlive it."""

from __future__ import annotations

import json
import threading
from typing import Any

from activation.home import Home


class Jobs:
    """Jobs by id, each with what its twin knows of it, a list of plain values; safe among threads."""

    def __init__(self, home: Home, name: str) -> None:
        self._file = home.sandbox / f"{name}-jobs.jsonl"
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        self._known: dict[str, list[Any]] = dict(map(json.loads, lines))

    def take(self, job_id: str, *values: Any) -> None:
        """Take a job."""
        with self._lock:
            self._known[job_id] = list(values)
            with self._file.open("a") as lines:
                lines.write(json.dumps([job_id, values]) + "\n")

    def values(self, job_id: str) -> list[Any] | None:
        """What is known of a job; None for one that never came."""
        with self._lock:
            return self._known.get(job_id)

    def is_asked_first(self, job_id: str) -> bool:
        """Whether this sandbox is asked for a job for the first time: then it is still at work."""
        with self._lock:
            is_first = job_id not in self._asked
            self._asked.add(job_id)
            return is_first
