"""What the journal knows, for people: counts by state, requests, and doubts with a person's verdict."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select, update

from activation.errors import ConfigurationError
from activation.frozen import Kind
from activation.journal import Journal
from activation.journal_tables import CLAIMED, message_ids, position_of, requests, runs, spans, streams
from activation.spans import Cut, Range, recut, size
from activation.streams import moment_of
from activation.types import State

IDS_PER_QUERY = 500
_MESSAGE_ID = re.compile(r"[0-9a-f]{32}")
VERDICTS = frozenset({State.ACCEPTED, State.REFUSED})


@dataclass(frozen=True)
class RequestRecord:
    """One request as the journal holds it; ``people`` is how many rows it carried."""

    request_id: str
    run_id: str
    campaign: str
    slot: str
    destination: str
    operation: str
    people: int
    epoch: str
    attempted_at: datetime
    answered_at: datetime | None
    state: State
    reason: str
    provider_id: str | None


@dataclass(frozen=True)
class Doubt:
    """A request whose outcome is unknown for rows of the frozen outbox of its ``kind``: their keys in ``parts``."""

    request_id: str
    run_id: str
    campaign: str
    destination: str
    kind: Kind
    attempted_at: datetime
    reason: str
    request: int
    stream: int
    parts: tuple[Range, ...]
    is_whole: bool
    expires_at: int | None

    @property
    def people(self) -> int:
        """How many people it is unknown for."""
        return size(self.parts)

    @property
    def positions(self) -> tuple[int, ...]:
        """Their places in the frozen outbox."""
        return tuple(
            position
            for first, last in self.parts
            for position in range(position_of(first), position_of(last) + 1)
        )


def summary(journal: Journal, run_id: str) -> dict[str, dict[str, int]]:
    """Rows of a run by campaign and state; the counts of a campaign sum to all of its frozen rows."""
    rows = func.sum(spans.c.last_seq - spans.c.first_seq + 1)
    state = case((spans.c.state == CLAIMED, requests.c.state), else_=spans.c.state).label("state")
    query = (
        select(streams.c.campaign, state, rows)
        .select_from(
            spans.join(streams, streams.c.stream == spans.c.stream)
            .join(runs, runs.c.run == streams.c.run)
            .outerjoin(requests, requests.c.request == spans.c.request)
        )
        .where(runs.c.run_id == run_id)
        .group_by(streams.c.campaign, state)
        .order_by(streams.c.campaign, state)
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    with journal.read() as connection:
        for campaign, name, people in connection.execute(query):
            counts[campaign][name] = int(people)
    return dict(counts)


def requests_of(journal: Journal, run_id: str, campaign: str | None = None) -> list[RequestRecord]:
    """The requests of a run, oldest first."""
    query = _requests().where(runs.c.run_id == run_id).order_by(requests.c.request)
    if campaign is not None:
        query = query.where(streams.c.campaign == campaign)
    with journal.read() as connection:
        return [
            RequestRecord(
                request_id=row.request_id,
                run_id=row.run_id,
                campaign=row.campaign,
                slot=row.slot,
                destination=row.destination,
                operation=row.operation,
                people=row.people,
                epoch=row.epoch,
                attempted_at=_certain(row.attempted_at),
                answered_at=moment_of(row.answered_at),
                state=State(row.state),
                reason=row.reason,
                provider_id=row.provider_id,
            )
            for row in connection.execute(query)
        ]


def in_doubt(journal: Journal, run_id: str | None = None, campaign: str | None = None) -> list[Doubt]:
    """Every request with rows of unknown outcome, oldest first; of one run or campaign, or of all."""
    rows = (
        _requests()
        .add_columns(spans.c.first_seq.label("first"), spans.c.last_seq.label("last"), spans.c.expires_at)
        .join(spans, spans.c.request == requests.c.request)
        .where(
            or_(
                (requests.c.state == State.IN_DOUBT) & (spans.c.state == CLAIMED),
                _is_singled_out(),
            )
        )
        .order_by(requests.c.request, spans.c.first_seq)
    )
    if run_id is not None:
        rows = rows.where(runs.c.run_id == run_id)
    if campaign is not None:
        rows = rows.where(streams.c.campaign == campaign)
    with journal.read() as connection:
        found = connection.execute(rows).all()
    doubts = []
    for _, group in groupby(found, key=lambda row: row.request):
        members = list(group)
        row = members[0]
        doubts.append(
            Doubt(
                request_id=row.request_id,
                run_id=row.run_id,
                campaign=row.campaign,
                destination=row.destination,
                kind=Kind(row.kind),
                attempted_at=_certain(row.attempted_at),
                reason=row.reason,
                request=row.request,
                stream=row.stream,
                parts=tuple((member.first, member.last) for member in members),
                is_whole=row.state == State.IN_DOUBT,
                expires_at=min(
                    (each.expires_at for each in members if each.expires_at is not None), default=None
                ),
            )
        )
    return sorted(doubts, key=lambda doubt: (doubt.attempted_at, doubt.request_id))


def resolve(journal: Journal, request_id: str, state: State, by: str) -> int:
    """A person looked: what was in doubt of a request is ``accepted`` or ``refused``. Gives the rows.

    The next :func:`activation.receipts.write_receipts` tells the ledger. Raises ``ConfigurationError``
    where the request is not in doubt, or for another state.
    """
    if state not in VERDICTS:
        raise ConfigurationError("a request in doubt is resolved as accepted or as refused")
    told = {"state": state, "reason": f"resolved by {by}", "is_receipted": False}
    with journal.write() as connection:
        known = connection.execute(
            select(requests.c.request, requests.c.first_seq, requests.c.last_seq).where(
                requests.c.request_id == request_id
            )
        ).first()
        if known is None:
            raise ConfigurationError(f"there is no request {request_id}: `muster doubt` lists those in doubt")
        mine = spans.c.request == known.request
        within = spans.c.first_seq.between(known.first_seq, known.last_seq)
        rows = select(func.coalesce(func.sum(spans.c.last_seq - spans.c.first_seq + 1), 0)).where(
            within, mine
        )
        people = int(connection.execute(rows.where(_is_singled_out())).scalar_one())
        connection.execute(update(spans).where(within, mine, _is_singled_out()).values(**told))
        is_whole = connection.execute(
            update(requests)
            .where(requests.c.request == known.request, requests.c.state == State.IN_DOUBT)
            .values(**told)
        ).rowcount
        if is_whole:
            people += int(connection.execute(rows.where(spans.c.state == CLAIMED)).scalar_one())
        if not people:
            raise ConfigurationError(
                f"request {request_id} is not in doubt: `muster doubt` lists those that are"
            )
    return people


def confirm(journal: Journal, ids: Sequence[str], state: State, by: str) -> int:
    """What a provider told of single messages: those of ``ids`` that are in doubt become ``state``; say how many.

    ``ids`` are message ids (32 hex digits), ours or not. Each row leaves its request and speaks for itself.
    """
    if state not in VERDICTS:
        raise ConfigurationError("a message in doubt is confirmed as accepted or as refused")
    told = {"state": state.value, "reason": f"confirmed by {by}"}
    # Spans never overlap: a row lies in the last that begins at or before it.
    earlier = spans.alias()
    holding = (
        select(func.max(earlier.c.first_seq))
        .where(earlier.c.first_seq <= message_ids.c.seq)
        .scalar_subquery()
    )
    people = 0
    for start in range(0, len(ids), IDS_PER_QUERY):
        part = [
            bytes.fromhex(each) for each in ids[start : start + IDS_PER_QUERY] if _MESSAGE_ID.fullmatch(each)
        ]
        with journal.write() as connection:
            query = (
                select(message_ids.c.seq, spans.c.request, spans.c.state)
                .select_from(
                    message_ids.join(spans, spans.c.first_seq == holding).join(
                        requests, requests.c.request == spans.c.request
                    )
                )
                .where(
                    message_ids.c.message_id.in_(part),
                    or_((requests.c.state == State.IN_DOUBT) & (spans.c.state == CLAIMED), _is_singled_out()),
                )
            )
            doubted = connection.execute(query).all()
            for seq, request, _ in doubted:
                recut(
                    connection,
                    [Cut(seq, seq, told | {"request": request})],
                    spans.c.request == request,
                    spans.c.state.in_((CLAIMED, State.IN_DOUBT)),
                )
            people += len(doubted)
    return people


def _is_singled_out() -> ColumnElement[bool]:
    # A literal, because SQLite uses a partial index only where the statement repeats its condition.
    return spans.c.state == literal_column("'in_doubt'")


def _requests() -> Select[tuple[object, ...]]:
    return select(
        requests,
        streams.c.kind,
        streams.c.campaign,
        streams.c.slot,
        streams.c.destination,
        streams.c.operation,
        runs.c.run_id,
    ).select_from(requests.join(streams).join(runs))


def _certain(value: int) -> datetime:
    moment = moment_of(value)
    assert moment is not None  # noqa: S101  # the column is not null
    return moment
