"""What the tests of collecting share: a home, files pushed into it, and what came of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from activation.clock import SimulatedClock
from activation.collect.collect import collect, feedback_folder
from activation.collect.source import Collected
from activation.home import Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EPOCH = int(NOW.timestamp()) - 3600
MESSAGE = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Feedback:
    home: Home

    @property
    def clock(self) -> SimulatedClock:
        return SimulatedClock(self.home.path / "clock.json")

    def push(self, source: str, name: str, text: str | bytes) -> None:
        folder = feedback_folder(self.home, source)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def collect(self, source: str) -> Collected:
        (found,) = collect(self.home, self.clock, [source])
        return found

    def events(self, table: str) -> list[dict[str, Any]]:
        folder = self.home.inbox / table.replace(".", "/")
        return [row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]

    def set_aside(self, source: str) -> list[str]:
        """Reasons, in order."""
        folder = self.home.quarantine / "feedback" / source / "files"
        return [
            json.loads(line)["reason"]
            for file in sorted(folder.glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]


def sendgrid_event(event: str, **fields: Any) -> dict[str, Any]:
    number = fields.pop("number", 1)
    return {
        "email": f"person{number}@example.com",
        "timestamp": EPOCH,
        "event": event,
        "sg_event_id": f"{event}-{number}",
        "sg_message_id": "mail-1.recvd-1",
    } | fields


def counts(found: Collected) -> dict[str, int]:
    names = ("read", "new", "repeated", "foreign", "set_aside", "ignored")
    return {name: getattr(found, name) for name in names if getattr(found, name)}
