"""Receipts: what the journal learned, handed to the ledger for the next build to read.

A crash between the file and the mark in the journal repeats receipts; that is harmless, because the ledger
reads the latest row known. Where two are equally late, a definite state says more than ``in_doubt``.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Column, Table, bindparam, select, update

from activation.clock import naive_utc
from activation.errors import HeldError, JournalUnsafeError
from activation.frozen import FrozenRun, Kind, connect, outbox, unreadable
from activation.home import Home, replacing
from activation.journal import Journal
from activation.journal_tables import position_of, requests, runs, spans, streams
from activation.ledger import MEMBERSHIP_RECEIPTS, RECEIPTS
from activation.types import State
from activation.untold import Scope, Span, batches, untold

# A file of receipts. The engine streams it, so this bounds its size and not the memory.
BATCH_ROWS = 250_000


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


TYPES = {pa.string(): "varchar", pa.int32(): "integer", pa.timestamp("us"): "timestamp"}


def write_receipts(
    home: Home, journal: Journal, run: FrozenRun, now: datetime, campaign: str | None = None
) -> int:
    """Write a receipt for each row whose outcome the ledger does not know yet; say how many.

    Files of at most 250,000 rows (a larger request has one to itself), on disk before the journal notes it.
    ``known_at`` is ``now``. With
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
    known = {row.request for row in answers}
    # A request that was answered after its answers were read is told the next time.
    told = [span for span in untold(journal, scope) if span[2] is None or span[2] in known]
    stamp = naive_utc(now).strftime("%Y%m%dT%H%M%S")
    written = 0
    with closing(connect(home.ledger)) as engine:
        engine.register("answers", _table([row[:-1] for row in answers], ANSWERS_SCHEMA))
        for number, part in enumerate(batches(told, BATCH_ROWS)):
            # Two processes may write at the same moment of a simulated clock.
            name = f"{run.run_id}-{stamp}-{number}-{uuid.uuid4().hex[:8]}.parquet"
            file = home.ledger / FOLDERS[scope.kind] / name
            written += _Sheet(run, scope.kind, now, file).write(engine, part)
    own = {span[0]: span[3] for span in told if span[3] is not None}
    _mark(journal, spans, spans.c.first_seq, own)
    _mark(
        journal,
        requests,
        requests.c.request,
        {row.request: row.state for row in answers if not row.is_receipted},
    )
    return written


@dataclass(frozen=True)
class _Sheet:
    """One file of receipts."""

    run: FrozenRun
    kind: Kind
    now: datetime
    file: Path

    def write(self, engine: duckdb.DuckDBPyConnection, part: Sequence[Span]) -> int:
        """Write it, whole and on disk; say how many rows. Raises ``JournalUnsafeError`` where one is lost."""
        rows = [(position_of(first), position_of(last), *rest) for first, last, *rest in part]
        engine.register("told_spans", _table(rows, SPAN_SCHEMA))
        values = {
            "file": str(self.run.file(self.kind)),
            "first": rows[0][0],
            "last": rows[-1][1],
            "run_id": self.run.run_id,
            "as_of": naive_utc(self.run.as_of),
            "known_at": naive_utc(self.now),
        }
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self.file) as temporary:
                written = self._copy(engine, str(temporary).replace("'", "''"), values)
                if written != sum(last - first + 1 for first, last, *_ in part):
                    raise JournalUnsafeError(
                        f"{self.run.file(self.kind)} lacks rows that the journal planned: restore the frozen run"
                    )
        except OSError as error:
            raise self._unwritten(error) from None
        return written

    def _copy(self, engine: duckdb.DuckDBPyConnection, target: str, values: dict[str, Any]) -> int:
        columns = ", ".join(
            f"cast({EXPRESSIONS.get(field.name, f'frozen.{field.name}')} as {TYPES[field.type]}) as {field.name}"
            for field in SCHEMAS[self.kind]
        )
        sql = f"""
            copy (
                with told as (
                    select unnest(range(first, last + 1)) as position, request, state, reason, provider_id
                    from told_spans
                )
                select {columns}
                from told
                inner join (
                    select * from {outbox(self.kind)} where position between $first and $last
                ) as frozen on frozen.position = told.position
                left join answers on answers.request = told.request
            ) to '{target}' (format parquet, compression zstd, compression_level 1)"""
        try:
            found = engine.execute(sql, values).fetchone()
        except duckdb.IOException as error:
            raise self._unwritten(error) from None
        except duckdb.Error as error:
            raise unreadable(self.run, self.kind, error) from None
        return int(found[0]) if found else 0

    def _unwritten(self, error: Exception) -> HeldError:
        return HeldError(
            f"receipts cannot be written to {self.file.parent} ({type(error).__name__}): make room, then resume; "
            "the journal knows what was sent"
        )


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
