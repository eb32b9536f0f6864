"""Put a campaign's frozen rows into the journal, each exactly once and each accounted for.

Who was told already, under this message id or at this address, is planned as ``excluded``: the register of
message ids and contacts spans all runs, so neither a second run nor two profiles with one address open a
second chance.
"""

from __future__ import annotations

import hmac
from contextlib import closing
from itertools import chain, repeat
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from activation.errors import ConfigurationError, JournalUnsafeError
from activation.frozen import FrozenRun, Kind, connect, unreadable
from activation.journal import SQLITE, Journal
from activation.journal_tables import (
    OCCASION_COLUMNS,
    STREAM_COLUMNS,
    contacts,
    message_ids,
    occasions,
    plans,
    runs,
    sequence,
    spans,
    streams,
)
from activation.spans import Cut, ranges, recut
from activation.streams import micros
from activation.types import Operation, State

HMAC_BYTES = 16
BATCH_ROWS = 50_000
# SQLite prepares one statement for this many rows: three times as fast as a row at a time (measured).
ROWS_PER_STATEMENT = 100
KEYS_PER_QUERY = 500

# A message without a template is its fields alone: a post, a ticket. Outboxes of earlier versions have no waves.
MESSAGES = """(
    select
        * replace (coalesce(template, '') as template, coalesce(message_version, '') as message_version),
        coalesce(wave, 0) as stream_wave
    from (
        select * from read_parquet($file) union all by name select null::integer as wave where false
    )
)"""
STREAM_SQL = {
    Kind.MESSAGE: f"""
        select
            campaign, slot, step, channel, destination, '{Operation.SEND}' as operation, '' as audience,
            template, message_version, stream_wave as wave,
            min(position) as first_position, max(position) as last_position, count(*) as rows
        from {MESSAGES} where campaign = $campaign group by all order by first_position""",
    Kind.MEMBERSHIP: """
        select
            campaign, slot, 0 as step, channel, destination, operation, audience,
            '' as template, '' as message_version, 0 as wave, min(position) as first_position,
            max(position) as last_position, count(*) as rows
        from read_parquet($file) where campaign = $campaign group by all order by first_position""",
}
KNOWN = {
    Kind.MESSAGE: f"""
        select
            position, stream, occasion, message_id, channel, address,
            epoch_us(send_not_before) as send_not_before, epoch_us(expires_at) as expires_at
        from (select * exclude (wave), stream_wave as wave from {MESSAGES}) inner join known_streams
            using (campaign, slot, step, channel, destination, template, message_version, wave)""",
    Kind.MEMBERSHIP: """
        select position, stream, null::bigint as send_not_before, null::bigint as expires_at
        from read_parquet($file) inner join known_streams
            using (campaign, slot, channel, destination, operation, audience)""",
}
# Neighbours that stand alike: their positions minus their rank among their like is one number.
SPAN_SQL = """
    with numbered as (
        select *, position - row_number() over (
            partition by stream, send_not_before, expires_at order by position
        ) as island
        from ({rows})
    )
    select
        min(position) as first_position, max(position) as last_position, stream, send_not_before, expires_at,
        count(*) as rows
    from numbered group by stream, send_not_before, expires_at, island order by first_position"""
# Where a stream's rows are neighbours and have no times, it is one span.
WHOLE_SQL = """
    select
        first_position, last_position, stream, null::bigint as send_not_before, null::bigint as expires_at, rows
    from known_streams order by first_position"""
# E-mail compares in lower case and without outer blanks; other addresses arrive normalised.
PEOPLE_SQL = """
    select
        position, occasion, unhex(message_id) as row_id,
        case when channel = 'email' then lower(trim(address)) else address end as address
    from ({rows}) order by position"""


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
    values = {"run_id": run.run_id, "digest": run.digest, "as_of": micros(run.as_of)}
    connection.execute(_upsert(connection, runs).values(**values).on_conflict_do_nothing())
    known = connection.execute(select(runs).where(runs.c.run_id == run.run_id)).one()
    if known.digest != run.digest:
        raise JournalUnsafeError(
            f"run {run.run_id} was planned in the journal with another content digest than its manifest "
            f"has now: restore the frozen run, or plan under a new run id"
        )
    if known.closed_at is not None:
        raise ConfigurationError(
            f"run {run.run_id} was closed by `muster purge`: what became of it is in the ledger; start a new run"
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
    named = {"file": str(run.file(kind))}
    base = sequence(number, kind, 0)
    with closing(connect(run.directory)) as engine:
        try:
            found = (
                engine.execute(STREAM_SQL[kind], named | {"campaign": campaign}).to_arrow_table().to_pylist()
            )
            if not found:
                return
            known = [_register_stream(connection, number, kind, row) for row in found]
            engine.register("known_streams", pa.Table.from_pylist(known))
            query = WHOLE_SQL if _are_whole(kind, found) else SPAN_SQL.format(rows=KNOWN[kind])
            planned = engine.execute(query, {} if query is WHOLE_SQL else named).to_arrow_table()
            rows = _insert_spans(connection, base, planned)
            if rows != sum(row["rows"] for row in found):
                raise JournalUnsafeError(
                    f"{run.file(kind)}: rows of {campaign} lack a slot, template or another part of their key, "
                    f"or repeat it; mend the outbox model and freeze again"
                )
            counts["rows"] += rows
            if kind is Kind.MESSAGE:
                people = engine.execute(PEOPLE_SQL.format(rows=KNOWN[kind]), named)
                for batch in people.to_arrow_reader(BATCH_ROWS):
                    _register_people(connection, base, batch, pepper, counts)
        except duckdb.Error as error:
            raise unreadable(run, kind, error) from None


def _register_stream(connection: Connection, number: int, kind: Kind, row: dict[str, Any]) -> dict[str, Any]:
    common = {name: row[name] for name in STREAM_COLUMNS}
    stream = connection.execute(
        insert(streams)
        .values(
            run=number,
            kind=kind.value,
            first_seq=sequence(number, kind, row["first_position"]),
            last_seq=sequence(number, kind, row["last_position"]),
            **common,
        )
        .returning(streams.c.stream)
    ).scalar_one()
    occasion = {name: row[name] for name in OCCASION_COLUMNS}
    connection.execute(_upsert(connection, occasions).values(**occasion).on_conflict_do_nothing())
    matches = [occasions.c[name] == value for name, value in occasion.items()]
    known = connection.execute(select(occasions.c.occasion).where(*matches)).scalar_one()
    places = {name: row[name] for name in ("first_position", "last_position", "rows")}
    return common | places | {"stream": stream, "occasion": known}


def _are_whole(kind: Kind, found: list[dict[str, Any]]) -> bool:
    return kind is Kind.MEMBERSHIP and all(
        row["last_position"] - row["first_position"] + 1 == row["rows"] for row in found
    )


def _insert_spans(connection: Connection, base: int, found: pa.Table) -> int:
    """Insert what is planned; say how many rows that is. Raises ``JournalUnsafeError`` where positions repeat."""
    rows = 0
    previous = -1
    for batch in found.to_batches(BATCH_ROWS):
        values = []
        for span in batch.to_pylist():
            first, last = span.pop("first_position"), span.pop("last_position")
            count = span.pop("rows")
            if first <= previous or last - first + 1 != count:
                raise JournalUnsafeError(
                    "the frozen run repeats a position: freeze it again under a new run id"
                )
            previous = last
            rows += count
            values.append(
                {"first_seq": base + first, "last_seq": base + last, "state": State.PLANNED.value, **span}
            )
        connection.execute(insert(spans), values)
    return rows


def _register_people(
    connection: Connection, base: int, batch: pa.RecordBatch, pepper: bytes, counts: dict[str, int]
) -> None:
    column = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    seqs = [base + position for position in column["position"]]
    known_ids = _register(connection, message_ids, list(zip(column["row_id"], seqs, strict=True)))
    addressed = [
        (occasion, hmac.digest(pepper, address.encode(), "sha256")[:HMAC_BYTES], seq)
        for occasion, address, seq in zip(column["occasion"], column["address"], seqs, strict=True)
        if address is not None and seq not in known_ids
    ]
    known_addresses = _register(connection, contacts, addressed)
    for reason, losers in (("already_planned", known_ids), ("duplicate_address", known_addresses)):
        counts[reason] += len(losers)
        gone = {"state": State.EXCLUDED.value, "reason": reason}
        recut(
            connection,
            [Cut(first, last, gone) for first, last in ranges(sorted(losers))],
            spans.c.state == State.PLANNED,
        )


def _register(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> set[int]:
    """Add keys (their ``seq`` last) to a register; give the ``seq`` of those whose key was taken."""
    # In the order of the key, so that the B-tree is walked once and not at random; first come first.
    rows.sort()
    names = table.columns.keys()
    if _insert(connection, table, rows) == len(rows):
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


def _insert(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> int:
    """Insert many rows where their key is free; say how many were."""
    names = table.columns.keys()
    mark = "?" if connection.dialect.name == SQLITE else "%s"
    place = f"({', '.join([mark] * len(names))})"
    statement = f"insert into {table.name} ({', '.join(names)}) values "
    inserted = 0
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows[start : start + ROWS_PER_STATEMENT]
        many = statement + ", ".join(repeat(place, len(part))) + " on conflict do nothing"
        inserted += connection.exec_driver_sql(many, tuple(chain.from_iterable(part))).rowcount
    return inserted


def _upsert(connection: Connection, table: Table) -> Any:
    return (sqlite if connection.dialect.name == SQLITE else postgresql).insert(table)
