"""Which rows of a campaign are planned and due: read from the journal, never changed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select

from activation.frozen import FrozenRun, Kind
from activation.journal import Journal
from activation.journal_tables import position_of, runs, spans, streams
from activation.spans import Range, size
from activation.types import Operation, State

EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
SPANS_PER_PAGE = 5_000


@dataclass(frozen=True)
class Stream:
    """Rows of one run that may share a request, between two keys of the journal.

    ``wave`` 0 goes first: all of it, or the canary of what is wave 1.
    """

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
    wave: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True)
class Page:
    """Planned rows of a stream that were due at ``due_at`` (microseconds), ascending, and when the first expires."""

    stream: Stream
    due_at: int
    parts: Sequence[Range]
    expires_at: int | None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return size(self.parts)

    def pieces(self, most: int, after: int = -1) -> Iterator[tuple[Range, ...]]:
        """Its rows beyond the key ``after``, cut into requests of at most ``most``."""
        piece: list[Range] = []
        room = most
        for first, last in self.parts:
            start = max(first, after + 1)
            while start <= last:
                end = min(last, start + room - 1)
                piece.append((start, end))
                room -= end - start + 1
                start = end + 1
                if not room:
                    yield tuple(piece)
                    piece, room = [], most
        if piece:
            yield tuple(piece)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the journal keeps times."""
    return (moment - EPOCH_START) // timedelta(microseconds=1)


def moment_of(value: int | None) -> datetime | None:
    """The aware moment of a journal time."""
    return None if value is None else EPOCH_START + timedelta(microseconds=value)


def streams_of(journal: Journal, run: FrozenRun, campaign: str) -> list[Stream]:
    """The streams of one campaign in one run: its canaries first, then in the order of their rows."""
    query = (
        _streams()
        .where(runs.c.run_id == run.run_id, streams.c.campaign == campaign)
        .order_by(streams.c.wave, streams.c.first_seq, streams.c.stream)
    )
    with journal.read() as connection:
        return [_stream(row) for row in connection.execute(query).mappings()]


def stream_by_key(journal: Journal, key: int) -> Stream:
    """The stream of this key."""
    with journal.read() as connection:
        return _stream(connection.execute(_streams().where(streams.c.stream == key)).mappings().one())


def due_page(journal: Journal, stream: Stream, after: int, now: datetime, limit: int) -> Page:
    """The next planned rows that are due, beyond the key ``after``: at most ``limit`` of them."""
    due_at = micros(now)
    query = (
        select(spans.c.first_seq, spans.c.last_seq, spans.c.expires_at)
        .where(planned(stream), spans.c.last_seq > after, is_due(due_at))
        .order_by(spans.c.first_seq)
        .limit(SPANS_PER_PAGE)
    )
    parts: list[Range] = []
    expiries: list[int] = []
    room = limit
    with journal.read() as connection:
        for first, last, expires_at in connection.execute(query):
            start = max(first, after + 1)
            end = min(last, start + room - 1)
            parts.append((start, end))
            if expires_at is not None:
                expiries.append(expires_at)
            room -= end - start + 1
            if not room:
                break
    return Page(stream, due_at, parts, min(expiries, default=None))


def count_due(journal: Journal, stream: Stream, now: datetime) -> int:
    """How many planned rows are due."""
    rows = func.coalesce(func.sum(spans.c.last_seq - spans.c.first_seq + 1), 0)
    with journal.read() as connection:
        return int(connection.execute(select(rows).where(planned(stream), is_due(micros(now)))).scalar_one())


def first_due(journal: Journal, stream: Stream) -> datetime | None:
    """When the first of the rows still planned is due; ``None`` where none is planned."""
    # Memberships have no such time: they are due as soon as they are planned.
    earliest = func.min(func.coalesce(spans.c.send_not_before, 0))
    with journal.read() as connection:
        return moment_of(connection.execute(select(earliest).where(planned(stream))).scalar())


def seq_of(stream: Stream, position: int) -> int:
    """The key of a frozen row of the stream's run and kind."""
    return stream.first_seq - position_of(stream.first_seq) + position


def planned(stream: Stream) -> ColumnElement[bool]:
    """Spans of a stream that are still planned."""
    return (
        spans.c.first_seq.between(stream.first_seq, stream.last_seq)
        & (spans.c.stream == stream.stream)
        & (spans.c.state == State.PLANNED)
    )


def is_due(at: int) -> ColumnElement[bool]:
    """Rows whose time has come at a journal time."""
    return or_(spans.c.send_not_before.is_(None), spans.c.send_not_before <= at)


def _streams() -> Select[Any]:
    return select(*(streams.c[name] for name in Stream.__dataclass_fields__)).select_from(streams.join(runs))


def _stream(row: RowMapping) -> Stream:
    return Stream(**{**row, "kind": Kind(row["kind"]), "operation": Operation(row["operation"])})
