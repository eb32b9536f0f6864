"""Close old runs in the journal, so that its size follows what is in hand and not all that ever was.

What became of each row is in the ledger by then. A closed run is never delivered again: its register of addresses is
gone, and with it what keeps a second message from leaving. Runs with something planned, open or not yet told stay.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from activation.journal import Journal
from activation.journal_mark import LAST_REQUEST
from activation.journal_tables import (
    CLAIMED,
    RUN_SHIFT,
    contacts,
    message_ids,
    meta,
    requests,
    runs,
    spans,
    streams,
)
from activation.streams import micros
from activation.types import State


def count_runs(journal: Journal) -> int:
    """How many runs are not closed."""
    query = select(func.count()).select_from(runs).where(runs.c.closed_at.is_(None))
    with journal.read() as connection:
        return int(connection.execute(query).scalar_one())


def closed_runs(journal: Journal) -> set[str]:
    """The ids of the runs that are closed."""
    with journal.read() as connection:
        return set(connection.execute(select(runs.c.run_id).where(runs.c.closed_at.is_not(None))).scalars())


def closable(journal: Journal, before: datetime) -> list[str]:
    """The ids of the runs decided as of a moment before ``before`` that can be closed, oldest first."""
    with journal.read() as connection:
        return [run_id for _, run_id in _closable(connection, before)]


def close_runs(journal: Journal, before: datetime, now: datetime) -> list[str]:
    """Close them; give their ids."""
    closed = []
    with journal.write() as connection:
        for run, run_id in _closable(connection, before):
            first, last = run << RUN_SHIFT, ((run + 1) << RUN_SHIFT) - 1
            ours = select(streams.c.stream).where(streams.c.run == run)
            _keep_count(connection)
            connection.execute(delete(spans).where(spans.c.first_seq.between(first, last)))
            connection.execute(delete(requests).where(requests.c.stream.in_(ours)))
            connection.execute(delete(streams).where(streams.c.run == run))
            for register in (message_ids, contacts):
                connection.execute(delete(register).where(register.c.seq.between(first, last)))
            connection.execute(update(runs).where(runs.c.run == run).values(closed_at=micros(now)))
            closed.append(run_id)
    return closed


def _closable(connection: Connection, before: datetime) -> list[tuple[int, str]]:
    unfinished = (
        select(streams.c.run)
        .select_from(
            spans.join(streams, streams.c.stream == spans.c.stream).outerjoin(
                requests, requests.c.request == spans.c.request
            )
        )
        .where(
            or_(
                spans.c.state == State.PLANNED,
                (spans.c.state == CLAIMED) & requests.c.is_receipted.is_(False),
                (spans.c.state != CLAIMED) & spans.c.is_receipted.is_(False),
                requests.c.state == State.ATTEMPTING,
            )
        )
    )
    query = (
        select(runs.c.run, runs.c.run_id)
        .where(runs.c.as_of < micros(before), runs.c.closed_at.is_(None), runs.c.run.not_in(unfinished))
        .order_by(runs.c.as_of, runs.c.run)
    )
    return [(int(row.run), str(row.run_id)) for row in connection.execute(query)]


def _keep_count(connection: Connection) -> None:
    """Remember how far the requests were: the mark outside of the journal is compared with it."""
    latest = connection.execute(select(func.max(requests.c.request))).scalar()
    known = connection.execute(select(meta.c.value).where(meta.c.key == LAST_REQUEST)).scalar()
    if known is None:
        connection.execute(insert(meta).values(key=LAST_REQUEST, value=str(latest or 0)))
    elif latest is not None and latest > int(known):
        connection.execute(update(meta).where(meta.c.key == LAST_REQUEST).values(value=str(latest)))
