"""Receipts: what the journal learned, handed to the ledger for the next build to read.

A crash between the file and the mark in the journal repeats receipts; that is harmless, because the ledger
reads the latest row known. Where two are equally late, a definite state says more than ``in_doubt``.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Column, Table, bindparam, select, update

from activation.clock import naive_utc
from activation.errors import JournalUnsafeError
from activation.frozen import FrozenRun, Kind, connect, outbox, unreadable
from activation.home import Home, write_atomically
from activation.journal import Journal
from activation.journal_tables import position_of, requests, runs, spans, streams
from activation.ledger import MEMBERSHIP_RECEIPTS, RECEIPTS
from activation.types import State
from activation.untold import Scope, Span, batches, untold

BATCH_ROWS = 50_000


SCHEMAS = {Kind.MESSAGE: RECEIPTS, Kind.MEMBERSHIP: MEMBERSHIP_RECEIPTS}
FOLDERS = {Kind.MESSAGE: "receipts", Kind.MEMBERSHIP: "membership_receipts"}
# What a receipt does not take from the frozen row as it is.
EXPRESSIONS = {
    "run_id": "$run_id",
    "as_of": "$as_of::timestamp",
    "known_at": "$known_at::timestamp",
    "state": "coalesce(told.state, answers.state)",
    "reason": "coalesce(told.reason, answers.reason, '')",
    "provider_id": "coalesce(told.provider_id, answers.provider_id)",
    "request_id": "answers.request_id",
    "attempted_at": "make_timestamp(answers.attempted_at)",
}
NAMED = [(name, pa.string()) for name in ("state", "reason", "provider_id")]
# Neighbouring rows that are told the same, as a receipt names them: by position, both ends included.
SPAN_SCHEMA = pa.schema([("first", pa.int64()), ("last", pa.int64()), ("request", pa.int64()), *NAMED])
ANSWERS_SCHEMA = pa.schema(
    [("request", pa.int64()), *NAMED, ("request_id", pa.string()), ("attempted_at", pa.int64())]
)


# Columns that no dictionary shortens; writing one for them took as long as all the rest (measured).
UNIQUE = frozenset({"message_id", "change_id", "customer_id", "email", "phone", "external_id"})


def write_receipts(
    home: Home, journal: Journal, run: FrozenRun, now: datetime, campaign: str | None = None
) -> int:
    """Write a receipt for each row whose outcome the ledger does not know yet; say how many.

    Files of at most 50,000 rows, on disk before the journal notes it. ``known_at`` is ``now``. With
    ``campaign``, only its rows. Raises ``ConfigurationError`` where the frozen run cannot be read.
    """
    query = (
        select(streams.c.kind, streams.c.stream, streams.c.first_seq, streams.c.last_seq)
        .select_from(streams.join(runs))
        .where(runs.c.run_id == run.run_id)
    )
    if campaign is not None:
        query = query.where(streams.c.campaign == campaign)
    with journal.read() as connection:
        found = connection.execute(query).all()
    written = 0
    for kind in Kind:
        ours = [row for row in found if row.kind == kind]
        if ours:
            scope = Scope(
                kind,
                tuple(row.stream for row in ours),
                min(row.first_seq for row in ours),
                max(row.last_seq for row in ours),
            )
            written += _write_scope(home, journal, run, scope, now)
    return written


def _write_scope(home: Home, journal: Journal, run: FrozenRun, scope: Scope, now: datetime) -> int:
    with journal.read() as connection:
        answers = connection.execute(
            select(*(requests.c[name] for name in ANSWERS_SCHEMA.names), requests.c.is_receipted).where(
                requests.c.stream.in_(scope.streams), requests.c.state != State.ATTEMPTING
            )
        ).all()
    folder = home.ledger / FOLDERS[scope.kind]
    stamp = naive_utc(now).strftime("%Y%m%dT%H%M%S")
    told_spans = untold(journal, scope)
    engine = connect()
    written = 0
    repeated = [name for name in SCHEMAS[scope.kind].names if name not in UNIQUE]
    try:
        engine.register("answers", _table([row[:-1] for row in answers], ANSWERS_SCHEMA))
        for number, part in enumerate(batches(told_spans, BATCH_ROWS)):
            receipts = _receipts(engine, run, scope.kind, part, now)
            if receipts.num_rows:
                # Two processes may write at the same moment of a simulated clock.
                name = f"{run.run_id}-{stamp}-{number}-{uuid.uuid4().hex[:8]}.parquet"
                buffer = io.BytesIO()
                pq.write_table(receipts, buffer, compression="zstd", use_dictionary=repeated)
                write_atomically(folder / name, buffer.getvalue())
            written += receipts.num_rows
    finally:
        engine.close()
    told = {row.request: row.state for row in answers}
    own = {
        span[0]: span[3]
        for span in told_spans
        if span[3] is not None and (span[2] is None or span[2] in told)
    }
    _mark(journal, spans, spans.c.first_seq, own)
    _mark(
        journal,
        requests,
        requests.c.request,
        {row.request: row.state for row in answers if not row.is_receipted},
    )
    return written


def _receipts(
    engine: duckdb.DuckDBPyConnection, run: FrozenRun, kind: Kind, part: Sequence[Span], now: datetime
) -> pa.Table:
    rows = [(position_of(first), position_of(last), *rest) for first, last, *rest in part]
    engine.register("spans", _table(rows, SPAN_SCHEMA))
    schema = SCHEMAS[kind]
    columns = ", ".join(f"{EXPRESSIONS.get(name, f'frozen.{name}')} as {name}" for name in schema.names)
    # A request that was answered after its answers were read is told the next time.
    sql = f"""
        with told as (
            select unnest(range(first, last + 1)) as position, request, state, reason, provider_id from spans
        )
        select {columns}, frozen.position is null as is_lost
        from told
        left join answers on answers.request = told.request
        left join (
            select * from {outbox(kind)} where position between $first and $last
        ) as frozen on frozen.position = told.position
        where told.request is null or answers.request is not null
        order by told.position"""
    values = {
        "file": str(run.file(kind)),
        "first": rows[0][0],
        "last": rows[-1][1],
        "run_id": run.run_id,
        "as_of": naive_utc(run.as_of),
        "known_at": naive_utc(now),
    }
    try:
        found = engine.execute(sql, values).to_arrow_table()
    except duckdb.Error as error:
        raise unreadable(run, kind, error) from None
    if pc.any(found["is_lost"]).as_py():
        raise JournalUnsafeError(
            f"{run.file(kind)} lacks rows that the journal planned from it: restore the frozen run"
        )
    return found.select(schema.names).cast(schema)


def _table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _mark(journal: Journal, table: Table, key: Column[int], states: dict[int, str]) -> None:
    # Only in the state that was told: a verdict that came meanwhile still wants its receipt.
    if states:
        statement = (
            update(table)
            .where(key == bindparam("at"), table.c.state == bindparam("told"))
            .values(is_receipted=True)
        )
        with journal.write() as connection:
            connection.execute(statement, [{"at": at, "told": state} for at, state in states.items()])
