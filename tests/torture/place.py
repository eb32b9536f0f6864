"""A place to torture: a home with one frozen run, its destination in a process of its own, and who delivers there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bugs
import databases
import delivery_world as small
import pyarrow as pa
from forked import Child, fork
from server import create_database

from activation import settings
from activation.clock import SimulatedClock, naive_utc
from activation.connectors import Connector, Throughput
from activation.connectors.client import Client
from activation.connectors.registry import connector
from activation.delivery import DeliveryLimits, deliver
from activation.frozen import read_frozen
from activation.guard import Ruling, Verdict
from activation.home import World as HomeWorld
from activation.home import open_home
from activation.journal import open_journal
from activation.run import Outcome
from activation.sandbox import Sandbox
from activation.sandbox.calls import Call
from activation.sandbox.server import Handler
from activation.types import Content

CLASSES = {
    "idempotent": "dummy_idempotent",
    "lookup": "dummy_lookup",
    "set": "dummy_set",
    "file": "mail_file",
    "fire_and_forget": "dummy_fire",
}
RUN = "run-1"
AS_OF = small.AS_OF
PEOPLE = 48
ROWS = 4
CONTENT = {"hello": Content("hello", "abc123abc123", "email", {"subject": "Hi", "text": "Hi"}, frozenset())}
DAY = timedelta(hours=24)
PATIENCE = 2.0


@dataclass(frozen=True)
class Shape:
    """How a place is delivered to: by which destination, how many at once, and how many people one request carries.

    ``journal`` is the URL of a PostgreSQL server, or of a database of it once there is a place; without it, SQLite.
    """

    destination: str
    workers: int = 1
    group: int = 1
    rows: int = ROWS
    people: int = PEOPLE
    journal: str = ""

    @property
    def is_set(self) -> bool:
        return self.destination == CLASSES["set"]

    @property
    def is_file(self) -> bool:
        return self.destination == CLASSES["file"]


def outbox(shape: Shape) -> dict[str, list[dict[str, Any]]]:
    """Rows of a small run: two steps, two people at one address, one that is refused, one too late, one for later."""
    if shape.is_set:
        half = shape.people // 2
        rows = [
            small.membership(number, "add" if number < half else "remove", destination=shape.destination)
            | {"campaign": small.CAMPAIGN}
            for number in range(shape.people)
        ]
        return {"memberships": rows}
    common = {"destination": shape.destination}
    messages = [small.message(number, **common, step=1 + number % 2) for number in range(shape.people)]
    for row in messages:
        row["message_id"] = small.md5(f"{row['message_id']}{row['step']}")
    messages[2]["address"] = " Person4@Example.com"
    if not shape.is_file:
        messages[5]["address"] = "refused5@example.com"
    messages[7]["expires_at"] = naive_utc(AS_OF - timedelta(hours=1))
    messages[9]["send_not_before"] = naive_utc(AS_OF + timedelta(hours=2))
    return {"messages": sorted(messages, key=lambda row: (row["step"], row["customer_id"]))}


class Objections:
    """The re-check: objections in a file, as (kind, position, reason)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: int | None = -1

    def _present(self) -> int | None:
        return self._file.stat().st_mtime_ns if self._file.exists() else None

    def changed(self) -> bool:
        return self._seen != self._present()

    def opted_out(self, _now: datetime) -> pa.Table:
        self._seen = self._present()
        rows = json.loads(self._file.read_text()) if self._seen else []
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        types = (pa.string(), pa.int64(), pa.string())
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        return pa.table(arrays, names=["kind", "position", "reason"])


class Witness(Handler):
    """A twin's server that writes down every request, and the fault that it met, before it does anything."""

    def _vendor(self, vendor: str, call: Call) -> None:
        body = call.json()
        line = {
            "path": call.path,
            "request_id": body.get("request_id"),
            "people": len(body.get("rows") or body.get("message_ids") or ()),
            "fault": call.fault[0],
            "at_ns": time.monotonic_ns(),
        }
        descriptor = os.open(
            self._twins.home.sandbox / "requests.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        os.write(descriptor, json.dumps(line).encode() + b"\n")
        os.close(descriptor)
        super()._vendor(vendor, call)


def serve(path: Path, ready: int) -> None:
    """Be the destination of a home until killed."""
    with Sandbox(open_home(path)) as sandbox:
        sandbox._server.RequestHandlerClass = Witness
        os.write(ready, b"1")
        signal.pause()


def go(
    path: Path, shape: Shape, bug: str = "", limits: Mapping[str, Any] | None = None, run_id: str = RUN
) -> int:  # fmt: skip
    """Deliver the place's run to its end, as a run's delivery step does; the exit code says how it went."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    bugs.apply(bug)
    home = open_home(path)
    clock = SimulatedClock(home.path / "clock.json")
    run = read_frozen(home, run_id)
    if shape.journal:
        os.environ["MUSTER_JOURNAL_URL"] = shape.journal
    recheck = Objections(home.path / "objections.json")
    with closing(open_journal(home)) as journal:
        while True:
            result = deliver(
                home, run, small.CAMPAIGN,
                journal=journal, connector=adapted(home, shape), another=partial(adapted, home, shape),
                content=CONTENT, clock=clock, recheck=recheck, pepper=small.PEPPER,
                sender=settings.sender(home), should_stop=lambda: bool(stopping),
                limits=DeliveryLimits(**(limits or {})),
            )  # fmt: skip
            due = result.next_due
            if due is None or result.is_down or stopping or not clock.now() < due <= run.as_of + DAY:
                break
            clock.step_to(due)
    ruling = Ruling(small.CAMPAIGN, Verdict.GO, (), sum(result.counts.values()))
    outcome = Outcome(run, {small.CAMPAIGN: ruling}, {small.CAMPAIGN: result})
    (home.path / "report.json").write_text(json.dumps({"counts": dict(result.counts)}))
    return outcome.exit_code()


def adapted(home: Any, shape: Shape) -> Connector:
    """The destination's own connector, with another number of workers and rows, and little patience."""
    made: Any = connector(home, shape.destination)
    if not shape.is_file:
        link = settings.connection(home, made.connection)
        made = type(made)(link, settings.sender(home), Client(link, deadline=PATIENCE))
    made.max_rows = shape.rows
    made.throughput = Throughput(workers=shape.workers, group=shape.group)
    return made  # type: ignore[no-any-return]


@dataclass
class Place:
    """A home on disk, and what happened to it; ``open_people`` are those in requests open at a fault, by request."""

    path: Path
    shape: Shape
    server: Child | None
    suppressed: list[str]
    open_people: dict[str, int]
    may_be_open: bool = False

    def start(self, bug: str = "", **limits: Any) -> Child:
        """Begin to deliver."""
        return fork(go, self.path, self.shape, bug, limits, log=self.path / "children.log")

    def journal_copy(self) -> sqlite3.Connection:
        """Open a copy of the journal as it is on disk, with what is only in its log."""
        copy = self.path / "copy.db"
        for end in ("", "-wal", "-shm"):
            Path(f"{copy}{end}").unlink(missing_ok=True)
        for end in ("", "-wal"):
            file = Path(f"{self.path / 'journal.db'}{end}")
            if file.exists():
                shutil.copyfile(file, f"{copy}{end}")
        return sqlite3.connect(copy)

    def told(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the journal, which nobody may have open; nothing where it has not been made yet."""
        if self.shape.journal:
            return databases.ask(self.shape.journal, query)
        with closing(self.journal_copy()) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []

    def note_open(self) -> int:
        """Note who was in an open request when a process ended; give how many people."""
        found = self.told("select request_id, people from requests where state = 'attempting'")
        self.open_people.update(found)
        return sum(people for _, people in found)

    def object(self, count: int, choose: Callable[[Sequence[int], int], list[int]]) -> None:
        """Let people object who certainly have not been claimed; nobody may be delivering."""
        spans = self.told("select first_seq, last_seq from spans where state = 'planned'")
        positions = [seq & (2**32 - 1) for first, last in spans for seq in range(first, last + 1)]
        kind = "membership" if self.shape.is_set else "message"
        file = self.path / "objections.json"
        known = json.loads(file.read_text()) if file.exists() else []
        taken = {position for _, position, _ in known}
        free = [position for position in positions if position not in taken]
        chosen = choose(free, min(count, len(free)))
        new = [[kind, position, "opted_out"] for position in chosen]
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(known + new))
        temporary.replace(file)
        self.suppressed += [f"{kind}:{position}" for position in chosen]

    def requests(self) -> list[dict[str, Any]]:
        """Every request that the destination saw."""
        file = self.path / "sandbox" / "requests.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def busy(self) -> int:
        """Grows with what the destination has seen; cheap."""
        if self.shape.is_file:
            folder = self.path / "drops" / self.shape.destination
            return sum(1 for _ in folder.iterdir()) if folder.exists() else 0
        file = self.path / "sandbox" / "requests.jsonl"
        return file.stat().st_size if file.exists() else 0

    def world(self) -> dict[str, Any]:
        """What the checker is told beside what it reads."""
        return {
            "home": str(self.path),
            "run": RUN,
            "suppressed": self.suppressed,
            "open": self.open_people,
            "may_be_open": self.may_be_open,
            "journal": self.shape.journal,
        }


def make(
    path: Path,
    shape: Shape,
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    as_of: datetime = AS_OF,
) -> None:
    """Make a home with its frozen run: of these ``rows`` by outbox, or of the usual ones."""
    home = open_home(path, create=HomeWorld.REHEARSAL)
    SimulatedClock(home.path / "clock.json").step_to(as_of)
    small.make_run(home, **(rows or outbox(shape)), run_id=RUN, as_of=as_of)
    home.sandbox.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def place(
    directory: Path, template: Path, shape: Shape, faults: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Place]:
    """Lay out a place, a copy of ``template``, with its destination running; gone when the block ends."""
    path = directory / f"place-{os.getpid()}-{time.monotonic_ns()}"
    shutil.copytree(template, path)
    (path / "sandbox" / "faults.json").write_text(json.dumps(list(faults)))
    server = None
    if not shape.is_file:
        server = started(path)
    if shape.journal:
        shape = replace(shape, journal=create_database(shape.journal))
    laid = Place(path, shape, server, [], {})
    try:
        yield laid
    finally:
        if shape.journal:
            databases.drop(shape.journal)
        if server is not None:
            server.kill()
        shutil.rmtree(path, ignore_errors=True)


def started(path: Path) -> Child:
    """Start a destination, and wait until it answers."""
    reading, writing = os.pipe()
    server = fork(serve, path, writing, log=path / "server.log")
    os.close(writing)
    try:
        assert os.read(reading, 1), (path / "server.log").read_text()
    finally:
        os.close(reading)
    return server
