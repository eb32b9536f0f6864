"""What the journal knows, for people: counts by state, requests, and doubts with a person's verdict."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select, update

from activation.errors import ConfigurationError
from activation.frozen import Kind
from activation.journal import Journal
from activation.journal_tables import CLAIMED, deliveries, position_of, requests, runs, streams
from activation.streams import moment_of
from activation.types import State

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
    """A request whose outcome is unknown for ``positions`` of the frozen outbox of its ``kind``."""

    request_id: str
    run_id: str
    campaign: str
    destination: str
    kind: Kind
    attempted_at: datetime
    reason: str
    positions: tuple[int, ...]

    @property
    def people(self) -> int:
        """How many people it is unknown for."""
        return len(self.positions)


def summary(journal: Journal, run_id: str) -> dict[str, dict[str, int]]:
    """Rows of a run by campaign and state; the counts of a campaign sum to all of its frozen rows."""
    by_row = (
        select(
            deliveries.c.stream,
            deliveries.c.state,
            deliveries.c.request,
            func.count().label("people"),
        )
        .where(_within_run(run_id))
        .group_by(deliveries.c.stream, deliveries.c.state, deliveries.c.request)
        .subquery()
    )
    state = case((by_row.c.state == CLAIMED, requests.c.state), else_=by_row.c.state)
    query = (
        select(streams.c.campaign, state.label("state"), func.sum(by_row.c.people).label("people"))
        .select_from(
            by_row.join(streams, streams.c.stream == by_row.c.stream).outerjoin(
                requests, requests.c.request == by_row.c.request
            )
        )
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


def in_doubt(journal: Journal, run_id: str | None = None) -> list[Doubt]:
    """Every request with rows of unknown outcome, oldest first; of one run, or of all."""
    whole = _requests().where(requests.c.state == State.IN_DOUBT)
    singled_out = select(deliveries.c.request).where(_is_singled_out())
    partly = _requests().where(requests.c.request.in_(singled_out), requests.c.state != State.IN_DOUBT)
    doubts = []
    with journal.read() as connection:
        for query in (whole, partly):
            if run_id is not None:
                query = query.where(runs.c.run_id == run_id)  # noqa: PLW2901
            for row in connection.execute(query).all():
                states: list[ColumnElement[str]] = [literal_column("'in_doubt'")]
                if row.state == State.IN_DOUBT:
                    states.append(literal_column(f"'{CLAIMED}'"))
                seqs = connection.execute(
                    select(deliveries.c.seq)
                    .where(
                        deliveries.c.seq.between(row.first_seq, row.last_seq),
                        deliveries.c.request == row.request,
                        deliveries.c.state.in_(states),
                    )
                    .order_by(deliveries.c.seq)
                ).scalars()
                doubts.append(
                    Doubt(
                        request_id=row.request_id,
                        run_id=row.run_id,
                        campaign=row.campaign,
                        destination=row.destination,
                        kind=Kind(row.kind),
                        attempted_at=_certain(row.attempted_at),
                        reason=row.reason,
                        positions=tuple(position_of(seq) for seq in seqs),
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
        rows = (
            deliveries.c.seq.between(known.first_seq, known.last_seq),
            deliveries.c.request == known.request,
        )
        people = connection.execute(
            update(deliveries).where(*rows, _is_singled_out()).values(**told)
        ).rowcount
        is_whole = connection.execute(
            update(requests)
            .where(requests.c.request == known.request, requests.c.state == State.IN_DOUBT)
            .values(**told)
        ).rowcount
        if is_whole:
            people += connection.execute(
                select(func.count()).select_from(deliveries).where(*rows, deliveries.c.state == CLAIMED)
            ).scalar_one()
        if not people:
            raise ConfigurationError(
                f"request {request_id} is not in doubt: `muster doubt` lists those that are"
            )
    return people


def _is_singled_out() -> ColumnElement[bool]:
    # A literal, because SQLite uses a partial index only where the statement repeats its condition.
    return deliveries.c.state == literal_column("'in_doubt'")


def _within_run(run_id: str) -> ColumnElement[bool]:
    first, last = (
        select(edge).select_from(streams.join(runs)).where(runs.c.run_id == run_id).scalar_subquery()
        for edge in (func.min(streams.c.first_seq), func.max(streams.c.last_seq))
    )
    return deliveries.c.seq.between(first, last)


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
