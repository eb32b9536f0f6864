"""What delivering an outbox takes, beside the loop that everybody writes first.

Our side plans, claims, sends and answers for every row in the durable journal and writes receipts, with Meta's
connector. It does everything that delivery does but the re-check, which finds nobody here: that is one query
a minute, whatever the rows. The naive side is one ``requests.post`` for each row to the same sink: no session, no
batch, and no record of anything; it is measured on a sample, because a million take a quarter of an hour. Between
them stands the same connector without a journal: it reads the outbox, sends it, and remembers nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from queue import SimpleQueue

import pyarrow as pa
import requests
from bench_process import Usage, measured
from bench_sink import sink

from activation import settings
from activation.accounts import summary
from activation.clock import SimulatedClock
from activation.connectors.meta import VERSION, Meta
from activation.delivery import deliver
from activation.frozen import Kind, connect, outbox, read_frozen
from activation.home import World, open_home
from activation.journal import open_journal
from activation.prepare import COLUMNS
from activation.types import Operation, Request, State

AS_OF = datetime(2026, 3, 30, 14, tzinfo=UTC)
RUN_ID = "bench"
ROUNDS = 5
CAMPAIGN = "bench_audience"
AUDIENCE = "120210000000000001"
# An outbox as the freeze leaves it: removals first, row groups as the export writes them.
OUTBOX = """
copy (
    select
        n as position,
        md5('change' || n) as change_id,
        '{campaign}' as campaign,
        '2026-03-30' as slot,
        md5('customer' || n) as customer_id,
        'ads' as channel,
        'meta' as destination,
        '{audience}' as audience,
        'audience_matching' as purpose,
        case when n < {rows} // 10 then 'remove' else 'add' end as operation,
        'person' || n || '@example.com' as email,
        case when n % 20 < 17 then '+1555' || lpad(cast(n as varchar), 7, '0') end as phone,
        '{run_id}' as run_id,
        timestamp '2026-03-30 14:00:00' as as_of,
        timestamp '2026-03-30 14:00:00' as known_at
    from range({rows}) as t(n)
    order by n
) to '{file}' (format parquet, compression zstd, compression_level 1, row_group_size 20480)
"""


@dataclass(frozen=True)
class DeliveryCosts:
    """``ours`` and ``forgetful`` are for ``rows`` outbox rows, ``naive`` for a sample of ``naive_rows``."""

    rows: int
    ours: Usage
    forgetful: Usage
    naive_rows: int
    naive: Usage

    @property
    def rows_per_second(self) -> float:
        """Our rate, from the start of the process to the last receipt on disk."""
        return self.rows / self.ours.wall

    @property
    def naive_rows_per_second(self) -> float:
        """The naive loop's rate, which does not depend on how long it runs."""
        return self.naive_rows / self.naive.wall

    @property
    def ratio(self) -> float:
        """How many times faster by the clock on the wall."""
        return self.rows_per_second / self.naive_rows_per_second

    @property
    def share_of_forgetful(self) -> float:
        """Our rate as a share of that without journal and receipts."""
        return self.forgetful.wall / self.ours.wall

    @property
    def cpu_ratio(self) -> float:
        """How many times less processor time of the sender for each row."""
        return (self.naive.cpu / self.naive_rows) / (self.ours.cpu / self.rows)


class NobodyOptedOut:
    """A re-check of a landing zone where nothing happens."""

    def changed(self) -> bool:
        return False

    def opted_out(self, _now: datetime) -> pa.Table:
        return pa.table(
            [pa.array([], pa.string()), pa.array([], pa.int64()), pa.array([], pa.string())],
            names=["kind", "position", "reason"],
        )


def compare_deliveries(directory: Path, rows: int, naive_rows: int) -> DeliveryCosts:
    """Deliver ``rows`` our way and ``naive_rows`` naively. Raises ``RuntimeError`` where a row was not accepted.

    One after the other in turn, and the round with the median ratio: a shared processor changes its pace in a minute.
    """
    rounds = [_compare(directory / f"home{number}", rows, naive_rows) for number in range(ROUNDS)]
    return sorted(rounds, key=attrgetter("ratio"))[ROUNDS // 2]


def _compare(home_path: Path, rows: int, naive_rows: int) -> DeliveryCosts:
    measured(_freeze, home_path, rows)
    with sink() as url:
        naive = measured(_post_one_by_one, url, naive_rows)
        forgetful = measured(_deliver_without_journal, home_path, url)
        ours = measured(_deliver, home_path, url)
    _check(home_path, rows)
    shutil.rmtree(home_path)
    return DeliveryCosts(rows, ours, forgetful, naive_rows, naive)


def _freeze(home_path: Path, rows: int) -> None:
    home = open_home(home_path, create=World.REHEARSAL)
    frozen = home.run_directory(RUN_ID) / "frozen"
    frozen.mkdir(parents=True)
    manifest = {"run_id": RUN_ID, "as_of": AS_OF.isoformat(), "digest": "bench"}
    (frozen / "manifest.json").write_text(json.dumps(manifest))
    file = read_frozen(home, RUN_ID).file(Kind.MEMBERSHIP)
    with connect() as engine:
        engine.execute(
            OUTBOX.format(campaign=CAMPAIGN, audience=AUDIENCE, run_id=RUN_ID, rows=rows, file=file)
        )


def _deliver(home_path: Path, url: str) -> None:
    home = open_home(home_path)
    clock = SimulatedClock(home.path / "clock.json")
    clock.step_to(AS_OF)
    sender = settings.sender(home)
    connection = settings.Connection("META", url, token="no token", is_sandbox_allowed=True)
    with closing(open_journal(home)) as journal:
        deliver(
            home, read_frozen(home, RUN_ID), CAMPAIGN,
            journal=journal, connector=Meta(connection, sender), another=lambda: Meta(connection, sender),
            content={}, clock=clock,
            recheck=NobodyOptedOut(), pepper=settings.pepper(home), sender=sender,
        )  # fmt: skip


def _deliver_without_journal(home_path: Path, url: str) -> None:
    home = open_home(home_path)
    file = read_frozen(home, RUN_ID).file(Kind.MEMBERSHIP)
    connection = settings.Connection("META", url, token="no token", is_sandbox_allowed=True)
    sender = settings.sender(home)
    workers = [Meta(connection, sender) for _ in range(Meta.throughput.workers)]
    free: SimpleQueue[Meta] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def send(rows: pa.Table, operation: Operation) -> State:
        worker = free.get()
        try:
            request = Request(uuid.uuid4().hex, CAMPAIGN, "2026-03-30", 0, operation, AUDIENCE, None, rows)
            return worker.send(request).state
        finally:
            free.put(worker)

    query = f"select {COLUMNS[Kind.MEMBERSHIP]} from {outbox(Kind.MEMBERSHIP)} where operation = $operation"
    with connect() as engine, ThreadPoolExecutor(len(workers)) as pool:
        for operation in (Operation.REMOVE, Operation.ADD):
            named = {"file": str(file), "operation": operation.value}
            reader = engine.execute(query, named).to_arrow_reader(40_000)
            for page in map(pa.Table.from_batches, ([batch] for batch in reader)):
                parts = [page.slice(start, Meta.max_rows) for start in range(0, page.num_rows, Meta.max_rows)]
                if set(pool.map(send, parts, [operation] * len(parts))) != {State.ACCEPTED}:
                    raise RuntimeError("not all were accepted")


def _check(home_path: Path, rows: int) -> None:
    """Every row was accepted, once, and the ledger says so."""
    home = open_home(home_path)
    with closing(open_journal(home)) as journal:
        counts = summary(journal, RUN_ID)[CAMPAIGN]
    with connect() as engine:
        written = engine.execute(
            "select count(*), count(distinct change_id) from read_parquet(?) where state = 'accepted'",
            [str(home.ledger / "membership_receipts" / "*.parquet")],
        ).fetchone()
    if counts != {State.ACCEPTED: rows} or written != (rows, rows):
        raise RuntimeError(f"of {rows} rows the journal has {counts}, the ledger {written} accepted")


def _post_one_by_one(url: str, rows: int) -> None:
    for email, phone in _people(rows):
        digests = [hashlib.sha256(value.encode()).hexdigest() for value in (email, phone)]
        payload = json.dumps({"schema": ["EMAIL", "PHONE"], "data": [digests]})
        reply = requests.post(f"{url}/{VERSION}/{AUDIENCE}/users", data={"payload": payload}, timeout=30)
        reply.raise_for_status()


def _people(rows: int) -> Iterator[tuple[str, str]]:
    for n in range(rows):
        yield f"person{n}@example.com", f"1555{n:07}"
