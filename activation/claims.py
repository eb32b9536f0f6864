"""Every change of a delivery's state: each names the state it leaves and counts the rows it changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from activation.errors import HeldError
from activation.journal import Journal
from activation.journal_tables import CLAIMED, leases, requests, runs, spans, streams
from activation.spans import Cut, Range, StaleError, ranges, recut, size
from activation.streams import Page, Stream, is_due, micros, planned
from activation.types import Answer, RowVerdict, State

ANSWERS = frozenset({State.ACCEPTED, State.REFUSED, State.IN_DOUBT, State.PLANNED})
TAKEN_OVER = (
    "another process has taken over {} since this one slept; it sends on, and what this one "
    "had open is in doubt. `muster status` shows both"
)


@dataclass(frozen=True)
class Claim:
    """Rows that this process alone may send, once, under ``request_id``; ``parts`` are their keys, ascending."""

    request: int
    request_id: str
    parts: tuple[Range, ...]

    @property
    def people(self) -> int:
        """How many rows it has."""
        return size(self.parts)

    def keys(self, indexes: Iterable[int]) -> dict[int, int]:
        """The key of each of these rows, by its index in the request."""
        found: dict[int, int] = {}
        remaining = sorted(indexes)
        before = 0
        for first, last in self.parts:
            while remaining and remaining[0] - before <= last - first:
                index = remaining.pop(0)
                found[index] = first + index - before
            before += last - first + 1
        return found


def take_lease(journal: Journal, campaign: str, now: datetime) -> tuple[str, list[str]]:
    """Become the campaign's holder; only under its kernel lock.

    A request found ``attempting`` was another process's when it died: it is in doubt from here on. Gives
    the epoch that claims are made under, and the ids of the runs with such requests.
    """
    epoch = uuid.uuid4().hex
    ours = select(streams.c.stream).where(streams.c.campaign == campaign)
    open_ones = (requests.c.state == State.ATTEMPTING, requests.c.stream.in_(ours))
    with journal.write() as connection:
        journal.lock_lease(connection, campaign)
        connection.execute(update(leases).where(leases.c.campaign == campaign).values(epoch=epoch))
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
            .values(state=State.IN_DOUBT, reason="interrupted", answered_at=micros(now), is_receipted=False)
        )
    return epoch, found


def claim(
    journal: Journal,
    page: Page,
    pieces: Sequence[tuple[Range, ...]],
    *,
    epoch: str,
    now: datetime,
    before: Sequence[tuple[Claim, Answer]] = (),
    book: Callable[[Connection, int], list[float]] = lambda _connection, _requests: [],
) -> tuple[list[Claim], list[float]]:
    """Claim rows of a page for several requests; all are on disk when this returns.

    ``before`` are answers that came meanwhile, recorded in the same transaction: one commit for a group of
    requests. ``book`` is asked in it when each of them may leave; what it says is given back beside them.
    Raises ``StaleError`` where a row is no longer planned, ``HeldError`` where another process took the campaign
    over; both leave everything, ``before`` too, as it was.
    """
    stream = page.stream
    with journal.write() as connection:
        _refuse_if_taken(journal, connection, stream.campaign, epoch)
        _record(connection, before, now)
        values = [
            {
                "request_id": uuid.uuid4().hex,
                "stream": stream.stream,
                "first_seq": parts[0][0],
                "last_seq": parts[-1][1],
                "people": size(parts),
                "epoch": epoch,
                "state": State.ATTEMPTING.value,
                "attempted_at": micros(now),
            }
            for parts in pieces
        ]
        keys = connection.execute(
            insert(requests).returning(requests.c.request, sort_by_parameter_order=True), values
        ).scalars()
        claimed = [
            Claim(key, str(value["request_id"]), parts)
            for key, value, parts in zip(keys, values, pieces, strict=True)
        ]
        cuts = [
            Cut(first, last, {"state": CLAIMED, "request": each.request})
            for each in claimed
            for first, last in each.parts
        ]
        recut(connection, cuts, planned(stream), is_due(page.due_at))
        moments = book(connection, len(claimed))
    journal.note_claims(claimed[-1].request)
    return claimed, moments


def repeat(journal: Journal, claimed: Claim, campaign: str, epoch: str) -> None:
    """An idempotent request in doubt is attempted again, under its own id.

    Raises ``StaleError`` where it is no longer in doubt as a whole, ``HeldError`` as :func:`claim` does.
    """
    with journal.write() as connection:
        _refuse_if_taken(journal, connection, campaign, epoch)
        changed = connection.execute(
            update(requests)
            .where(requests.c.request == claimed.request, requests.c.state == State.IN_DOUBT)
            .values(state=State.ATTEMPTING, epoch=epoch)
        ).rowcount
        if changed != 1:
            raise StaleError


def record(journal: Journal, answered: Sequence[tuple[Claim, Answer]], now: datetime) -> None:
    """Write down what became of requests. Raises ``HeldError`` where one is no longer this process's."""
    with journal.write() as connection:
        _record(connection, answered, now)


def settle(journal: Journal, claimed: Claim, answer: Answer, now: datetime) -> None:
    """Write down what a look-up found of a request in doubt. Raises ``StaleError`` where it no longer is."""
    if answer.state is State.IN_DOUBT and not answer.rows:
        return
    with journal.write() as connection:
        try:
            _record(connection, [(claimed, answer)], now, leaving=State.IN_DOUBT)
        except HeldError:
            raise StaleError from None


def exclude(journal: Journal, stream: Stream, reasons: Mapping[int, str]) -> int:
    """Rows that are still planned become ``excluded``, by key and with a reason; say how many were."""
    within = {seq: why for seq, why in reasons.items() if stream.first_seq <= seq <= stream.last_seq}
    if not within:
        return 0
    with journal.write() as connection:
        keys = sorted(within)
        still = (
            select(spans.c.first_seq, spans.c.last_seq)
            .where(planned(stream), spans.c.last_seq >= keys[0], spans.c.first_seq <= keys[-1])
            .order_by(spans.c.first_seq)
        )
        cuts = []
        place = 0
        for first, last in connection.execute(still):
            while place < len(keys) and keys[place] < first:
                place += 1
            while place < len(keys) and keys[place] <= last:
                key = keys[place]
                cuts.append(Cut(key, key, {"state": State.EXCLUDED, "reason": within[key]}))
                place += 1
        return recut(connection, cuts, planned(stream))


def expire(journal: Journal, stream: Stream, now: datetime) -> int:
    """Planned rows whose window has passed become ``expired``; say how many spans."""
    past = (planned(stream), spans.c.expires_at <= micros(now))
    with journal.read() as connection:
        if connection.execute(select(spans.c.first_seq).where(*past).limit(1)).first() is None:
            return 0
    with journal.write() as connection:
        return connection.execute(
            update(spans).where(*past).values(state=State.EXPIRED, reason="window_passed")
        ).rowcount


def well_formed(answer: Answer, people: int) -> Answer:
    """The answer, or doubt about everybody where a connector's answer does not fit its request."""
    verdicts: Iterable[RowVerdict] = answer.rows.values()
    fits = all(0 <= index < people for index in answer.rows)
    if fits and answer.state in ANSWERS and all(verdict.state in ANSWERS for verdict in verdicts):
        return answer
    return Answer(State.IN_DOUBT, "malformed_answer")


def _refuse_if_taken(journal: Journal, connection: Connection, campaign: str, epoch: str) -> None:
    if journal.lock_lease(connection, campaign) != epoch:
        raise HeldError(TAKEN_OVER.format(campaign))


def _record(
    connection: Connection,
    answered: Sequence[tuple[Claim, Answer]],
    now: datetime,
    leaving: State = State.ATTEMPTING,
) -> None:
    if not answered:
        return
    statement = (
        update(requests)
        .where(requests.c.request == bindparam("key"), requests.c.state == leaving)
        .values(
            state=bindparam("became"),
            reason=bindparam("why"),
            provider_id=bindparam("provider"),
            answered_at=micros(now),
            is_receipted=False,
        )
    )
    told = [
        {"key": claimed.request, "became": answer.state, "why": answer.reason, "provider": answer.provider_id}
        for claimed, answer in answered
    ]
    if connection.execute(statement, told).rowcount != len(told):
        raise HeldError(TAKEN_OVER.format("the campaign"))
    for claimed, answer in answered:
        if answer.rows:
            _single_out(connection, claimed, answer.rows)
        if answer.state is State.PLANNED:
            mine = (
                spans.c.first_seq.between(claimed.parts[0][0], claimed.parts[-1][1]),
                spans.c.request == claimed.request,
                spans.c.state == CLAIMED,
            )
            connection.execute(update(spans).where(*mine).values(state=State.PLANNED, request=None))


def _single_out(connection: Connection, claimed: Claim, verdicts: Mapping[int, RowVerdict]) -> None:
    keys = claimed.keys(verdicts)
    # Neighbours that are told the same stay one span.
    alike: dict[RowVerdict, list[int]] = {}
    for index in sorted(verdicts):
        alike.setdefault(verdicts[index], []).append(keys[index])
    cuts = [
        Cut(
            first,
            last,
            {
                "state": verdict.state,
                "reason": verdict.reason,
                "provider_id": verdict.provider_id,
                "request": None if verdict.state is State.PLANNED else claimed.request,
            },
        )
        for verdict, seqs in alike.items()
        for first, last in ranges(seqs)
    ]
    try:
        recut(connection, cuts, spans.c.request == claimed.request, spans.c.state == CLAIMED)
    except StaleError:
        raise HeldError(TAKEN_OVER.format("the campaign")) from None
