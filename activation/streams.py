"""Which rows of a campaign are planned and due: read from the journal, never changed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from activation.frozen import FrozenRun, Kind
from activation.journal import Journal
from activation.journal_tables import deliveries, position_of, runs, streams
from activation.types import Operation, State

EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stream:
    """Rows of one run that may share a request, between two keys of the journal."""

    stream: int
    kind: Kind
    campaign: str
    slot: str
    step: int
    channel: str
    destination: str
    operation: Operation
    audience: str
    template: str
    message_version: str
    first_seq: int
    last_seq: int


@dataclass(frozen=True)
class Page:
    """Planned rows of a stream that were due at ``due_at`` (microseconds), by key, and when each expires."""

    stream: Stream
    due_at: int
    seqs: Sequence[int]
    expiries: Sequence[int | None]


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the journal keeps times."""
    return (moment - EPOCH_START) // timedelta(microseconds=1)


def moment_of(value: int | None) -> datetime | None:
    """The aware moment of a journal time."""
    return None if value is None else EPOCH_START + timedelta(microseconds=value)


def streams_of(journal: Journal, run: FrozenRun, campaign: str) -> list[Stream]:
    """The streams of one campaign in one run, in the order of their rows."""
    names = list(Stream.__dataclass_fields__)
    query = (
        select(*(streams.c[name] for name in names))
        .select_from(streams.join(runs))
        .where(runs.c.run_id == run.run_id, streams.c.campaign == campaign)
        .order_by(streams.c.first_seq, streams.c.stream)
    )
    with journal.read() as connection:
        return [
            Stream(**{**row, "kind": Kind(row["kind"]), "operation": Operation(row["operation"])})
            for row in connection.execute(query).mappings()
        ]


def due_page(journal: Journal, stream: Stream, after: int, now: datetime, limit: int) -> Page:
    """The next planned rows that are due, beyond the key ``after``."""
    due_at = micros(now)
    query = (
        select(deliveries.c.seq, deliveries.c.expires_at)
        .where(planned_between(stream, after + 1, stream.last_seq), is_due(due_at))
        .order_by(deliveries.c.seq)
        .limit(limit)
    )
    rows = query.subquery()
    edges = select(func.count(), func.min(rows.c.seq), func.max(rows.c.seq), func.count(rows.c.expires_at))
    with journal.read() as connection:
        # Mostly the rows are neighbours that never expire: then their keys need not be read one by one.
        count, first, last, expiring = connection.execute(edges).one()
        if not count:
            return Page(stream, due_at, (), ())
        if last - first + 1 == count and not expiring:
            return Page(stream, due_at, range(first, last + 1), ())
        found = connection.execute(query).all()
    return Page(stream, due_at, [row[0] for row in found], [row[1] for row in found])


def count_due(journal: Journal, stream: Stream, now: datetime) -> int:
    """How many planned rows are due."""
    due = (planned_between(stream, stream.first_seq, stream.last_seq), is_due(micros(now)))
    with journal.read() as connection:
        return connection.execute(select(func.count()).select_from(deliveries).where(*due)).scalar_one()


def first_due(journal: Journal, stream: Stream) -> datetime | None:
    """When the first of the rows still planned is due; ``None`` where none is planned."""
    # Memberships have no such time: they are due as soon as they are planned.
    earliest = func.min(func.coalesce(deliveries.c.send_not_before, 0))
    planned = planned_between(stream, stream.first_seq, stream.last_seq)
    with journal.read() as connection:
        return moment_of(connection.execute(select(earliest).where(planned)).scalar())


def seq_of(stream: Stream, position: int) -> int:
    """The key of a frozen row of the stream's run and kind."""
    return stream.first_seq - position_of(stream.first_seq) + position


def planned_between(stream: Stream, first: int, last: int) -> ColumnElement[bool]:
    """Rows of a stream that are still planned, both ends included."""
    return (
        deliveries.c.seq.between(first, last)
        & (deliveries.c.stream == stream.stream)
        & (deliveries.c.state == State.PLANNED)
    )


def is_due(at: int) -> ColumnElement[bool]:
    """Rows whose time has come at a journal time."""
    return or_(deliveries.c.send_not_before.is_(None), deliveries.c.send_not_before <= at)
