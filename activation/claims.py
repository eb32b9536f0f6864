"""Every change of a delivery's state: each names the state it leaves and counts the rows it changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from activation.errors import HeldError
from activation.journal import Journal
from activation.journal_tables import CLAIMED, deliveries, leases, requests, runs, streams
from activation.streams import Page, Stream, is_due, micros, planned_between
from activation.types import Answer, RowVerdict, State

ANSWERS = frozenset({State.ACCEPTED, State.REFUSED, State.IN_DOUBT, State.PLANNED})


@dataclass(frozen=True)
class Claim:
    """Rows that this process alone may send, once, under ``request_id``."""

    request: int
    request_id: str
    seqs: Sequence[int]


class StaleError(Exception):
    """The rows moved since they were read: nothing was claimed, read again. Never leaves delivery."""


def take_lease(journal: Journal, campaign: str, now: datetime) -> tuple[str, list[str]]:
    """Become the campaign's holder; only under its kernel lock.

    A request found ``attempting`` was another process's when it died: it is in doubt from here on. Gives
    the epoch that claims are made under, and the ids of the runs with such requests.
    """
    epoch = uuid.uuid4().hex
    ours = select(streams.c.stream).where(streams.c.campaign == campaign)
    open_ones = (requests.c.state == State.ATTEMPTING, requests.c.stream.in_(ours))
    with journal.write() as connection:
        statement = upsert(leases).values(campaign=campaign, epoch=epoch)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["campaign"], set_={"epoch": epoch})
        )
        interrupted = connection.execute(
            select(runs.c.run_id)
            .distinct()
            .select_from(requests.join(streams).join(runs))
            .where(*open_ones)
            .order_by(runs.c.run_id)
        ).scalars()
        found = list(interrupted)
        connection.execute(
            update(requests)
            .where(*open_ones)
            .values(state=State.IN_DOUBT, reason="interrupted", answered_at=micros(now))
        )
    return epoch, found


def claim(
    journal: Journal,
    page: Page,
    seqs: Sequence[int],
    *,
    epoch: str,
    now: datetime,
    before: tuple[Claim, Answer] | None = None,
) -> Claim:
    """Claim neighbouring rows of a page for one request; on disk when this returns.

    ``before`` is the previous request's answer, recorded in the same transaction: one commit per request
    and not two. Raises ``StaleError`` where a row is no longer planned, ``HeldError`` where another process
    took the campaign over; both leave everything, ``before`` too, as it was.
    """
    stream = page.stream
    request_id = uuid.uuid4().hex
    with journal.write() as connection:
        if before is not None:
            _record(connection, *before, now)
        held_under = connection.execute(
            select(leases.c.epoch).where(leases.c.campaign == stream.campaign)
        ).scalar()
        if held_under != epoch:
            raise HeldError(TAKEN_OVER.format(stream.campaign))
        request = connection.execute(
            insert(requests).values(
                request_id=request_id,
                stream=stream.stream,
                first_seq=seqs[0],
                last_seq=seqs[-1],
                people=len(seqs),
                epoch=epoch,
                state=State.ATTEMPTING,
                attempted_at=micros(now),
            )
        ).lastrowid
        claimed = connection.execute(
            update(deliveries)
            .where(planned_between(stream, seqs[0], seqs[-1]), is_due(page.due_at))
            .values(state=CLAIMED, request=request, reason=None)
        ).rowcount
        if claimed != len(seqs):
            raise StaleError
    return Claim(request, request_id, seqs)


def record(journal: Journal, claimed: Claim, answer: Answer, now: datetime) -> None:
    """Write down what became of a request. Raises ``HeldError`` where it is no longer this process's."""
    with journal.write() as connection:
        _record(connection, claimed, answer, now)


def exclude(journal: Journal, stream: Stream, reasons: Mapping[int, str]) -> int:
    """Rows that are still planned become ``excluded``, by key and with a reason; say how many were."""
    statement = (
        update(deliveries)
        .where(
            deliveries.c.seq == bindparam("at"),
            deliveries.c.stream == stream.stream,
            deliveries.c.state == State.PLANNED,
        )
        .values(state=State.EXCLUDED, reason=bindparam("why"))
    )
    if not reasons:
        return 0
    with journal.write() as connection:
        return connection.execute(
            statement, [{"at": seq, "why": why} for seq, why in reasons.items()]
        ).rowcount


def expire(journal: Journal, stream: Stream, now: datetime) -> int:
    """Planned rows whose window has passed become ``expired``; say how many."""
    past = (
        planned_between(stream, stream.first_seq, stream.last_seq),
        deliveries.c.expires_at <= micros(now),
    )
    with journal.read() as connection:
        if connection.execute(select(deliveries.c.seq).where(*past).limit(1)).first() is None:
            return 0
    with journal.write() as connection:
        return connection.execute(
            update(deliveries).where(*past).values(state=State.EXPIRED, reason="window_passed")
        ).rowcount


TAKEN_OVER = (
    "another process has taken over {} since this one slept; it sends on, and what this one "
    "had open is in doubt. `muster status` shows both"
)


def _record(connection: Connection, claimed: Claim, answer: Answer, now: datetime) -> None:
    mine = (deliveries.c.request == claimed.request, deliveries.c.state == CLAIMED)
    changed = connection.execute(
        update(requests)
        .where(requests.c.request == claimed.request, requests.c.state == State.ATTEMPTING)
        .values(
            state=answer.state,
            reason=answer.reason,
            provider_id=answer.provider_id,
            answered_at=micros(now),
        )
    ).rowcount
    singled_out = _single_out(connection, claimed, answer.rows)
    rest = len(claimed.seqs) - len(answer.rows)
    given_back = rest
    if answer.state is State.PLANNED:
        between = deliveries.c.seq.between(claimed.seqs[0], claimed.seqs[-1])
        given_back = connection.execute(
            update(deliveries).where(between, *mine).values(state=State.PLANNED, request=None)
        ).rowcount
    if changed != 1 or singled_out != len(answer.rows) or given_back != rest:
        raise HeldError(TAKEN_OVER.format("the campaign"))


def _single_out(connection: Connection, claimed: Claim, verdicts: Mapping[int, RowVerdict]) -> int:
    values = [
        {
            "at": claimed.seqs[index],
            "state": verdict.state.value,
            "reason": verdict.reason,
            "provider_id": verdict.provider_id,
            "request": None if verdict.state is State.PLANNED else claimed.request,
        }
        for index, verdict in verdicts.items()
    ]
    if not values:
        return 0
    statement = update(deliveries).where(
        deliveries.c.seq == bindparam("at"),
        deliveries.c.request == bindparam("mine"),
        deliveries.c.state == CLAIMED,
    )
    return connection.execute(statement, [value | {"mine": claimed.request} for value in values]).rowcount


def well_formed(answer: Answer, people: int) -> Answer:
    """The answer, or doubt about everybody where a connector's answer does not fit its request."""
    verdicts: Iterable[RowVerdict] = answer.rows.values()
    fits = all(0 <= index < people for index in answer.rows)
    if fits and answer.state in ANSWERS and all(verdict.state in ANSWERS for verdict in verdicts):
        return answer
    return Answer(State.IN_DOUBT, "malformed_answer")
