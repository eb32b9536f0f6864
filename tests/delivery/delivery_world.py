"""What the delivery tests share, also with the child processes that they kill."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from activation import settings
from activation.clock import SimulatedClock, naive_utc
from activation.connectors import Throughput
from activation.delivery import DeliveryResult, deliver
from activation.frozen import FrozenRun, read_frozen
from activation.home import Home, open_home
from activation.journal import Journal, open_journal
from activation.types import Answer, Capability, Content, Operation, Request, State

AS_OF = datetime(2017, 11, 20, 14, tzinfo=UTC)
CAMPAIGN = "weekly_reactivation"
ADS = "nightly_ads_suppression"
CONTENT = {"hello": Content("hello", "abc123abc123", "email", {"text": "Hi"}, frozenset())}
PEPPER = b"a pepper for tests"
# Writes each accepted address and flushes before it answers, as a provider that is then cut off would.
SINK = """
import http.server, sys
log = open(sys.argv[1], "a")
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        log.write(body); log.flush()
        self.send_response(202); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def message(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "message_id": md5(f"{CAMPAIGN}{changes.get('slot', '2017-W47')}{number}"),
        "campaign": CAMPAIGN,
        "slot": "2017-W47",
        "step": 1,
        "channel": "email",
        "destination": "sendgrid",
        "customer_id": f"customer-{number}",
        "address": f"person{number}@example.com",
        "purpose": "marketing",
        "cap_class": "promo",
        "template": "hello",
        "message_version": "abc123abc123",
        "variant": "a",
        "offer": "none",
        "fields": json.dumps({"first_name": "Ann"}),
        "send_not_before": naive_utc(AS_OF),
        "expires_at": naive_utc(AS_OF + timedelta(days=3)),
        "priority": 1,
        "wave": 0,
    } | changes


def membership(number: int, operation: str = "add", **changes: Any) -> dict[str, Any]:
    return {
        "change_id": md5(f"{ADS}{operation}{number}"),
        "campaign": ADS,
        "slot": "2017-11-22",
        "channel": "ads",
        "destination": "meta",
        "audience": "audience-1",
        "purpose": "audience_matching",
        "customer_id": f"customer-{number}",
        "operation": operation,
        "email": f"person{number}@example.com",
        "phone": None,
        "external_id": None,
    } | changes


def _schema(example: Mapping[str, Any]) -> pa.Schema:
    types = {int: pa.int64(), datetime: pa.timestamp("us")}
    common = [("position", pa.int64())]
    tail = [("run_id", pa.string()), ("as_of", pa.timestamp("us")), ("known_at", pa.timestamp("us"))]
    columns = [(name, types.get(type(value), pa.string())) for name, value in example.items()]
    return pa.schema(common + columns + tail)


def make_run(
    home: Home,
    messages: Sequence[Mapping[str, Any]] = (),
    memberships: Sequence[Mapping[str, Any]] = (),
    *,
    run_id: str = "run-1",
    digest: str = "digest-1",
    as_of: datetime = AS_OF,
) -> FrozenRun:
    directory = home.run_directory(run_id) / "frozen"
    directory.mkdir(parents=True, exist_ok=True)
    stamp = {"run_id": run_id, "as_of": naive_utc(as_of), "known_at": naive_utc(as_of)}
    for name, rows, example in (
        ("messages", messages, message(0)),
        ("memberships", memberships, membership(0)),
    ):
        numbered = [{"position": position, **row, **stamp} for position, row in enumerate(rows)]
        table = pa.Table.from_pylist(numbered, schema=_schema(example))
        pq.write_table(table, directory / f"outbox_{name}.parquet", row_group_size=500)
    manifest = {"run_id": run_id, "as_of": as_of.isoformat(), "digest": digest}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return read_frozen(home, run_id)


@dataclass
class Destination:
    """A destination in this process: remembers requests, and answers as it is told."""

    answer: Callable[[Request], Answer] = lambda _: Answer(State.ACCEPTED, provider_id="provider-1")
    name: str = "sendgrid"
    max_rows: int = 10
    connection: str = "SENDGRID"
    channel: str = "email"
    capability: Capability = Capability.FIRE_AND_FORGET
    operations: frozenset[Operation] = frozenset({Operation.SEND})
    max_bytes: int = 1_000_000
    throughput: Throughput = field(default_factory=Throughput)
    requests: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answer(request)

    @property
    def asked(self) -> Counter[str]:
        """How often each address was in a request."""
        column = "address" if self.name == "sendgrid" else "email"
        return Counter(value for request in self.requests for value in request.rows[column].to_pylist())


class Post(Destination):
    """Posts addresses, one a line, to the sink."""

    url = ""

    def send(self, request: Request) -> Answer:
        body = "".join(f"{address}\n" for address in request.rows["address"].to_pylist())
        reply = requests.post(self.url, data=body.encode(), timeout=10)
        return Answer(State.ACCEPTED if reply.status_code == 202 else State.IN_DOUBT)


@dataclass
class OptOuts:
    """A re-check whose findings a test can change."""

    rows: list[tuple[str, int, str]] = field(default_factory=list)
    has_changed: bool = False

    def changed(self) -> bool:
        return self.has_changed

    def opted_out(self, _now: datetime) -> pa.Table:
        self.has_changed = False
        columns = zip(*self.rows, strict=True) if self.rows else ((), (), ())
        types = (pa.string(), pa.int64(), pa.string())
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        return pa.table(arrays, names=["kind", "position", "reason"])


@dataclass
class DeliveryWorld:
    """A home with its clock and journal."""

    home: Home
    clock: SimulatedClock
    journal: Journal

    def deliver(
        self, run: FrozenRun, destination: Any, campaign: str = CAMPAIGN, **options: Any
    ) -> DeliveryResult:
        given = {
            "journal": self.journal,
            "connector": destination,
            "content": CONTENT,
            "clock": self.clock,
            "recheck": OptOuts(),
            "pepper": PEPPER,
            "sender": settings.sender(self.home),
        }
        return deliver(self.home, run, campaign, **(given | options))

    def receipts(self, folder: str = "receipts") -> list[dict[str, Any]]:
        files = sorted((self.home.ledger / folder).glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]


@contextmanager
def opened(home: Home) -> Iterator[DeliveryWorld]:
    """The world of a home, its clock at ``AS_OF``, its journal open."""
    clock = SimulatedClock(home.path / "clock.json")
    clock.step_to(AS_OF)
    journal = open_journal(home)
    yield DeliveryWorld(home, clock, journal)
    journal.close()


def two_campaigns_at_once(world: DeliveryWorld, journals: Sequence[Journal]) -> list[float]:
    """Deliver two campaigns of 20 side by side, at most 100 requests a second; the moments of the requests."""
    moments: list[float] = []

    def answer(_: Request) -> Answer:
        moments.append(time.monotonic())
        return Answer(State.ACCEPTED, provider_id="provider-1")

    rows = [message(n) for n in range(20)] + [
        message(n, campaign="another", message_id=f"{n:032x}") for n in range(20)
    ]
    run = make_run(world.home, rows)
    throughput = Throughput(requests=100, group=4)
    both = [
        threading.Thread(
            target=world.deliver,
            args=(run, Destination(answer, max_rows=1, throughput=throughput)),
            kwargs={"campaign": campaign, "journal": journal},
        )
        for campaign, journal in zip((CAMPAIGN, "another"), journals, strict=True)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    return moments


def child(home_path: str, url: str, max_rows: int) -> None:
    """Deliver run-1 in a process of its own, until it ends, is told to stop, or is killed."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    home = open_home(Path(home_path))
    world = DeliveryWorld(home, SimulatedClock(home.path / "clock.json"), open_journal(home))
    destination = Post(max_rows=max_rows)
    destination.url = url
    world.deliver(read_frozen(home, "run-1"), destination, should_stop=lambda: bool(stopping))
