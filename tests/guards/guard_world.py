"""A frozen run written by hand: a canary of four messages before a rest of six, and the feeds it was decided on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from activation import ledger
from activation.clock import naive_utc
from activation.compiled import RECHECK, compiled
from activation.frozen import FrozenRun, read_frozen
from activation.home import Home, World, open_home, write_atomically
from activation.landing.contract import LOADED_AT, arrow_schema, ensure_schema_files
from activation.landing.own import land_table
from activation.request import RunRequest, record_request

RUN, CAMPAIGN = "20260331T120000Z", "tuesday_newsletter"
AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CANARY, PEOPLE = 4, 10
LIMITS = {"complained": 0.25, "hard_bounced": 0.5, "refused": 0.5, "in_doubt": 0.5}


def address(number: int) -> str:
    return f"person{number}@example.com"


def message_id(number: int) -> str:
    return f"{number:032x}"


@dataclass(frozen=True)
class FrozenWorld:
    """A home with one frozen run."""

    home: Home
    run: FrozenRun

    def told(self, states: Mapping[int, str], at: datetime = AS_OF) -> None:
        """Write receipts: the state of each message, attempted and known at a moment."""
        size = len(states)
        stamp = [naive_utc(at)] * size
        rows: dict[str, Any] = {
            "run_id": [self.run.run_id] * size,
            "as_of": [naive_utc(AS_OF)] * size,
            "known_at": stamp,
            "message_id": [message_id(number) for number in states],
            "campaign": [CAMPAIGN] * size,
            "state": list(states.values()),
            "attempted_at": [None if state == "excluded" else naive_utc(at) for state in states.values()],
        }
        name = f"{self.run.run_id}-{at:%Y%m%dT%H%M%S}-{len(list((self.home.ledger / 'receipts').iterdir()))}"
        ledger.append(self.home, "receipts", name, table(rows, ledger.RECEIPTS))

    def landed(self, feed: str, rows: Sequence[Mapping[str, Any]], at: datetime, name: str = "a") -> Path:
        """Land rows of a feed as one file."""
        schema = arrow_schema(feed)
        columns = {field: [row.get(field) for row in rows] for field in schema.names}
        columns[LOADED_AT] = [naive_utc(at)] * len(rows)
        file = self.home.landing / feed.replace(".", "/") / f"{at:%Y%m%dT%H%M%S%fZ}-{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns, schema=schema), file)
        return file

    def reported(self, event: str, number: int, *, detail: str | None = None, at: datetime = AS_OF) -> None:
        """Let the e-mail provider report a message."""
        row = {
            "message_id": message_id(number),
            "event": event,
            "detail": detail,
            "occurred_at": naive_utc(at),
        }
        self.landed("provider.email_events", [row], at, f"{event}{number}")

    def removed(self, feed: str, rows: int) -> None:
        """Say that a purge took rows out of a feed."""
        told = {
            "source_table": [feed], "reason": ["retention"], "rows_removed": [rows],
            "removed_at": [naive_utc(AS_OF)],
        }  # fmt: skip
        land_table(self.home, "muster.removals", pa.table(told), AS_OF)


def table(columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Fill what is not given with null."""
    size = len(next(iter(columns.values())))
    return pa.table(
        [pa.array(columns.get(field.name, [None] * size), field.type) for field in schema], schema=schema
    )


def make_world(path: Path, recheck: str | None = None) -> FrozenWorld:
    """A home, its feeds landed a day before the run, and the run."""
    home = open_home(path, create=World.REHEARSAL)
    ensure_schema_files(home)
    ledger.ensure_ledger(home)
    record_request(home, RunRequest(RUN, AS_OF, AS_OF, (CAMPAIGN,), "scheduler"))
    world = FrozenWorld(home, FrozenRun(RUN, AS_OF, "digest", home.run_directory(RUN) / "frozen"))
    consents = [
        {
            "profile_id": f"p{number}", "channel": "email", "purpose": "marketing", "state": "granted",
            "occurred_at": naive_utc(AS_OF - DAY),
        }
        for number in range(PEOPLE)
    ]  # fmt: skip
    landed = world.landed("consent.events", consents, AS_OF - DAY)
    _freeze(world, [str(landed.relative_to(home.path))], recheck or compiled(home, RECHECK))
    return FrozenWorld(home, read_frozen(home, RUN))


def _freeze(world: FrozenWorld, landed: list[str], recheck: str) -> None:
    numbers = range(PEOPLE)
    tables = {
        "outbox_messages": {
            "position": [*numbers],
            "message_id": [message_id(number) for number in numbers],
            "campaign": [CAMPAIGN] * PEOPLE,
            "customer_id": [f"c{number}" for number in numbers],
            "channel": ["email"] * PEOPLE,
            "destination": ["sendgrid"] * PEOPLE,
            "purpose": ["marketing"] * PEOPLE,
            "address": [address(number) for number in numbers],
            "excludes_recent_purchasers": [False] * PEOPLE,
            "wave": [0 if number < CANARY else 1 for number in numbers],
        },
        "profile_customers": {
            "profile_id": [f"p{number}" for number in numbers],
            "customer_id": [f"c{number}" for number in numbers],
            "email_normalised": [address(number) for number in numbers],
            "phone_e164": pa.nulls(PEOPLE, pa.string()),
        },
        "guard_canaries": {
            "campaign": [CAMPAIGN] * len(LIMITS),
            "measure": [*LIMITS],
            "canary_people": [CANARY] * len(LIMITS),
            "wait_minutes": [30] * len(LIMITS),
            "limit_value": [*LIMITS.values()],
        },
        "guard_removals": {
            "campaign": [CAMPAIGN, CAMPAIGN],
            "destination": ["meta", "google"],
            "audience": ["set1", "set2"],
            "people_leaving": [1500, 20],
            "is_tripped": [True, False],
            "explanation": ["too many", "few"],
        },
        "input_counts": {
            "source_table": ["consent.events", "suppressions.manual"],
            "row_count": [PEOPLE, 0],
            "last_loaded_at": pa.array([naive_utc(AS_OF - DAY), None], pa.timestamp("us")),
        },
        "guard_inputs": {
            "source_table": ["consent.events"],
            "guard": ["input_stale"],
            "limit_value": [48.0],
        },
    }
    folder = world.run.directory
    folder.mkdir(parents=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    names = ("position", "campaign", "customer_id", "channel", "destination", "purpose", "operation")
    kinds = [(name, pa.int64() if name == "position" else pa.string()) for name in names]
    pq.write_table(pa.schema(kinds).empty_table(), folder / "outbox_memberships.parquet")
    write_atomically(folder / "recheck.sql", recheck.encode())
    manifest = {
        "run_id": RUN, "as_of": AS_OF.isoformat(), "digest": "digest", "inputs": {"landing": landed},
    }  # fmt: skip
    write_atomically(folder / "manifest.json", json.dumps(manifest).encode())
