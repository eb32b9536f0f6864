"""Rows whose outcome the ledger does not know yet, as spans of neighbours that are told the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from activation.frozen import Kind
from activation.journal import Journal
from activation.journal_tables import CLAIMED, deliveries, requests
from activation.types import State

# First and last key, request, and what the row itself says: state, reason, provider's id.
Span = tuple[int, int, int | None, str | None, str | None, str | None]
OPEN_REQUESTS = (State.ATTEMPTING, State.PLANNED)
OPEN_ROWS = (State.PLANNED, CLAIMED)


@dataclass(frozen=True)
class Scope:
    """The rows of one kind, of a run or of one campaign in it, between two keys."""

    kind: Kind
    streams: tuple[int, ...]
    first_seq: int
    last_seq: int


def untold(journal: Journal, scope: Scope) -> list[Span]:
    """Read all of them, in the order of their keys."""
    spans = [*_claimed_spans(journal, scope), *_own_spans(journal, scope)]
    spans.sort(key=lambda span: span[0])
    return spans


def batches(spans: Sequence[Span], most_rows: int) -> Iterator[Sequence[Span]]:
    """Cut into parts of at most so many rows, or of one span that has more."""
    part: list[Span] = []
    rows = 0
    for span in spans:
        size = span[1] - span[0] + 1
        if part and rows + size > most_rows:
            yield part
            part, rows = [], 0
        part.append(span)
        rows += size
    if part:
        yield part


def _claimed_spans(journal: Journal, scope: Scope) -> Iterator[Span]:
    """Rows for which their freshly answered request speaks."""
    fresh = select(requests.c.request).where(
        requests.c.stream.in_(scope.streams),
        requests.c.state.not_in(OPEN_REQUESTS),
        requests.c.is_receipted.is_(False),
    )
    within = (
        deliveries.c.seq.between(scope.first_seq, scope.last_seq),
        deliveries.c.state == CLAIMED,
    )
    first, last = func.min(deliveries.c.seq), func.max(deliveries.c.seq)
    query = (
        select(deliveries.c.request, func.count(), first, last)
        .where(*within, deliveries.c.request.in_(fresh))
        .group_by(deliveries.c.request)
    )
    with journal.read() as connection:
        for request, count, lowest, highest in connection.execute(query).all():
            if highest - lowest + 1 == count:
                yield lowest, highest, request, None, None, None
                continue
            rows = select(deliveries.c.seq).where(
                deliveries.c.seq.between(lowest, highest),
                deliveries.c.request == request,
                deliveries.c.state == CLAIMED,
            )
            for seq in connection.execute(rows).scalars():
                yield seq, seq, request, None, None, None


def _own_spans(journal: Journal, scope: Scope) -> Iterator[Span]:
    """Rows that have a state of their own: singled out by an answer, excluded or expired."""
    query = select(
        deliveries.c.seq,
        deliveries.c.request,
        deliveries.c.state,
        deliveries.c.reason,
        deliveries.c.provider_id,
    ).where(
        deliveries.c.seq.between(scope.first_seq, scope.last_seq),
        deliveries.c.stream.in_(scope.streams),
        deliveries.c.state.not_in(OPEN_ROWS),
        deliveries.c.is_receipted.is_(False),
    )
    with journal.read() as connection:
        for seq, request, state, reason, provider_id in connection.execute(query).all():
            yield seq, seq, request, state, reason, provider_id
