"""Rows whose outcome the ledger does not know yet, as spans of neighbours that are told the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, null, select, union_all

from activation.frozen import Kind
from activation.journal import Journal
from activation.journal_tables import CLAIMED, requests, spans
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
    """Read all of them, in the order of their keys.

    A claimed row is told what its request was answered; one that an answer singled out, or that was excluded or
    expired, speaks for itself.
    """
    within = and_(
        spans.c.first_seq.between(scope.first_seq, scope.last_seq), spans.c.stream.in_(scope.streams)
    )
    keys = (spans.c.first_seq, spans.c.last_seq, spans.c.request)
    answered = (
        select(*keys, null().label("state"), null().label("reason"), null().label("provider_id"))
        .select_from(spans.join(requests, requests.c.request == spans.c.request))
        .where(
            within,
            spans.c.state == CLAIMED,
            requests.c.state.not_in(OPEN_REQUESTS),
            requests.c.is_receipted.is_(False),
        )
    )
    own = select(*keys, spans.c.state, spans.c.reason, spans.c.provider_id).where(
        within, spans.c.state.not_in(OPEN_ROWS), spans.c.is_receipted.is_(False)
    )
    with journal.read() as connection:
        found = connection.execute(union_all(answered, own)).all()
    return sorted((tuple(row) for row in found), key=lambda span: span[0])


def batches(spans_told: Sequence[Span], most_rows: int) -> Iterator[Sequence[Span]]:
    """Cut into parts of at most so many rows, or of one span that has more."""
    part: list[Span] = []
    rows = 0
    for span in spans_told:
        size = span[1] - span[0] + 1
        if part and rows + size > most_rows:
            yield part
            part, rows = [], 0
        part.append(span)
        rows += size
    if part:
        yield part
