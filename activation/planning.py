"""Put a campaign's frozen rows into the journal, each exactly once and each accounted for.

Who was told already, under this message id or at this address, is planned as ``excluded``: the register of
message ids and contacts spans all runs, so neither a second run nor two profiles with one address open a
second chance.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Table, bindparam, insert, select, update

from activation.errors import JournalUnsafeError
from activation.frozen import FrozenRun, Kind, connect, unreadable
from activation.journal import Journal
from activation.journal_tables import (
    OCCASION_COLUMNS,
    STREAM_COLUMNS,
    contacts,
    deliveries,
    message_ids,
    occasions,
    plans,
    runs,
    sequence,
    streams,
)
from activation.types import Operation, State

HMAC_BYTES = 16
BATCH_ROWS = 50_000
# SQLite prepares one statement for this many rows: three times as fast as a row at a time (measured).
ROWS_PER_STATEMENT = 100
KEYS_PER_QUERY = 500
TIMES = ("send_not_before", "expires_at")

# A message without a template is its fields alone: a post, a ticket.
MESSAGES = """(
    select * replace (coalesce(template, '') as template, coalesce(message_version, '') as message_version)
    from read_parquet($file)
)"""
STREAM_SQL = {
    Kind.MESSAGE: f"""
        select
            campaign, slot, step, channel, destination, '{Operation.SEND}' as operation, '' as audience,
            template, message_version,
            min(position) as first_position, max(position) as last_position, count(*) as rows
        from {MESSAGES} where campaign = $campaign group by all order by first_position""",
    Kind.MEMBERSHIP: """
        select
            campaign, slot, 0 as step, channel, destination, operation, audience,
            '' as template, '' as message_version, min(position) as first_position,
            max(position) as last_position, count(*) as rows
        from read_parquet($file) where campaign = $campaign group by all order by first_position""",
}
ROW_SQL = {
    # E-mail compares in lower case and without outer blanks; other addresses arrive normalised.
    Kind.MESSAGE: f"""
        select
            position, stream, occasion, unhex(message_id) as row_id,
            case when channel = 'email' then lower(trim(address)) else address end as address,
            epoch_us(send_not_before) as send_not_before, epoch_us(expires_at) as expires_at
        from {MESSAGES} inner join known_streams
            using (campaign, slot, step, channel, destination, template, message_version)
        order by position""",
    Kind.MEMBERSHIP: """
        select
            position, stream, occasion, null::blob as row_id, null::varchar as address,
            null::bigint as send_not_before, null::bigint as expires_at
        from read_parquet($file) inner join known_streams
            using (campaign, slot, channel, destination, operation, audience)
        order by position""",
}


def plan(journal: Journal, run: FrozenRun, campaign: str, pepper: bytes) -> dict[str, int]:
    """Insert the campaign's rows as ``planned``, in one transaction; again is a no-op.

    Gives counts: ``rows`` of the campaign, of which ``already_planned`` and ``duplicate_address`` are
    excluded (0 where this run was planned before). Raises ``JournalUnsafeError`` where the run was planned
    with another digest, ``ConfigurationError`` where the frozen files cannot be read.
    """
    counts = {"rows": 0, "already_planned": 0, "duplicate_address": 0}
    with journal.write() as connection:
        number = _number(connection, run)
        done = connection.execute(
            select(plans.c.rows).where(plans.c.run == number, plans.c.campaign == campaign)
        ).scalar()
        if done is not None:
            return counts | {"rows": done}
        for kind in Kind:
            if run.file(kind).exists():
                _plan_kind(connection, run, number, kind, campaign=campaign, pepper=pepper, counts=counts)
        connection.execute(insert(plans).values(run=number, campaign=campaign, rows=counts["rows"]))
    return counts


def _number(connection: Connection, run: FrozenRun) -> int:
    known = connection.execute(select(runs.c.run, runs.c.digest).where(runs.c.run_id == run.run_id)).first()
    if known is None:
        return int(connection.execute(insert(runs).values(run_id=run.run_id, digest=run.digest)).lastrowid)
    if known.digest != run.digest:
        raise JournalUnsafeError(
            f"run {run.run_id} was planned in the journal with another content digest than its manifest "
            f"has now: restore the frozen run, or plan under a new run id"
        )
    return int(known.run)


def _plan_kind(
    connection: Connection,
    run: FrozenRun,
    number: int,
    kind: Kind,
    *,
    campaign: str,
    pepper: bytes,
    counts: dict[str, int],
) -> None:
    engine = connect()
    try:
        named = {"file": str(run.file(kind)), "campaign": campaign}
        found = engine.execute(STREAM_SQL[kind], named).to_arrow_table().to_pylist()
        if not found:
            return
        known = [_register_stream(connection, number, kind, row) for row in found]
        engine.register("known_streams", pa.Table.from_pylist(known))
        reader = engine.execute(ROW_SQL[kind], {"file": named["file"]}).to_arrow_reader(BATCH_ROWS)
        before = counts["rows"]
        for batch in reader:
            _plan_batch(connection, sequence(number, kind, 0), batch, pepper, counts)
        if counts["rows"] - before != sum(row["rows"] for row in found):
            raise JournalUnsafeError(
                f"{run.file(kind)}: rows of {campaign} lack a slot, template or another part of their key, "
                f"or repeat it; mend the outbox model and freeze again"
            )
    except duckdb.Error as error:
        raise unreadable(run, kind, error) from None
    finally:
        engine.close()


def _register_stream(connection: Connection, number: int, kind: Kind, row: dict[str, Any]) -> dict[str, Any]:
    common = {name: row[name] for name in STREAM_COLUMNS}
    stream = connection.execute(
        insert(streams).values(
            run=number,
            kind=kind.value,
            first_seq=sequence(number, kind, row["first_position"]),
            last_seq=sequence(number, kind, row["last_position"]),
            **common,
        )
    ).lastrowid
    occasion = {name: row[name] for name in OCCASION_COLUMNS}
    matches = [occasions.c[name] == value for name, value in occasion.items()]
    known = connection.execute(select(occasions.c.occasion).where(*matches)).scalar()
    if known is None:
        known = connection.execute(insert(occasions).values(**occasion)).lastrowid
    return common | {"stream": stream, "occasion": known}


def _plan_batch(
    connection: Connection, base: int, batch: pa.RecordBatch, pepper: bytes, counts: dict[str, int]
) -> None:
    column = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    seqs = [base + position for position in column["position"]]
    counts["rows"] += len(seqs)
    due = {name: column[name] for name in TIMES if batch.column(name).null_count < len(seqs)}
    if _insert(connection, deliveries, {"seq": seqs, "stream": column["stream"]} | due) != len(seqs):
        raise JournalUnsafeError("the frozen run repeats a position: freeze it again under a new run id")
    if batch.column("row_id").null_count == len(seqs):
        return
    known_ids = _register(connection, message_ids, list(zip(column["row_id"], seqs, strict=True)))
    addressed = [
        (occasion, hmac.digest(pepper, address.encode(), "sha256")[:HMAC_BYTES], seq)
        for occasion, address, seq in zip(column["occasion"], column["address"], seqs, strict=True)
        if address is not None and seq not in known_ids
    ]
    known_addresses = _register(connection, contacts, addressed)
    for reason, losers in (("already_planned", known_ids), ("duplicate_address", known_addresses)):
        counts[reason] += len(losers)
        _exclude(connection, losers, reason)


def _register(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> set[int]:
    """Add keys (their ``seq`` last) to a register; give the ``seq`` of those whose key was taken."""
    # In the order of the key, so that the B-tree is walked once and not at random; first come first.
    rows.sort()
    names = table.columns.keys()
    if _insert(connection, table, dict(zip(names, zip(*rows, strict=True), strict=False))) == len(rows):
        return set()
    owners: dict[tuple[Any, ...], int] = {}
    key_columns = [table.c[name] for name in names[:-1]]
    for start in range(0, len(rows), KEYS_PER_QUERY):
        part = rows[start : start + KEYS_PER_QUERY]
        wanted = [column.in_({row[place] for row in part}) for place, column in enumerate(key_columns)]
        owners.update(
            (tuple(row[:-1]), row.seq)
            for row in connection.execute(select(*key_columns, table.c.seq).where(*wanted))
        )
    return {row[-1] for row in rows if owners[row[:-1]] != row[-1]}


def _insert(connection: Connection, table: Table, columns: dict[str, Sequence[Any]]) -> int:
    """Insert many rows where their key is free; say how many were."""
    width = len(columns)
    total = len(next(iter(columns.values()), ()))
    place = f"({', '.join('?' * width)})"
    statement = f"insert into {table.name} ({', '.join(columns)}) values "
    inserted = 0
    whole = total - total % ROWS_PER_STATEMENT
    for start, stop, rows in ((0, whole, ROWS_PER_STATEMENT), (whole, total, 1)):
        groups = list(_groups(list(columns.values()), start, stop, rows))
        if groups:
            many = statement + ", ".join(repeat(place, rows)) + " on conflict do nothing"
            inserted += connection.exec_driver_sql(many, groups).rowcount
    return inserted


def _groups(columns: list[Sequence[Any]], start: int, stop: int, rows: int) -> Iterator[tuple[Any, ...]]:
    for first in range(start, stop, rows):
        yield tuple(
            chain.from_iterable(zip(*(column[first : first + rows] for column in columns), strict=True))
        )


def _exclude(connection: Connection, seqs: set[int], reason: str) -> None:
    if seqs:
        statement = (
            update(deliveries)
            .where(deliveries.c.seq == bindparam("at"), deliveries.c.state == State.PLANNED)
            .values(state=State.EXCLUDED, reason=reason)
        )
        connection.execute(statement, [{"at": seq} for seq in seqs])
