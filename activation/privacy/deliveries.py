"""A person's rows in the journal: what is planned is never sent, and what the provider calls it is forgotten.

The journal holds no address. What stays are the message ids and the keyed digests of addresses that have had a
message: without them a later run could send the same message to the same address again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager

from sqlalchemy import Connection, select, update

from activation import settings
from activation.frozen import Kind
from activation.home import Home
from activation.journal import Journal, open_journal
from activation.journal_tables import requests, runs, sequence
from activation.spans import single_out, span_of
from activation.types import State

REASON = "erased"
UNSENT = frozenset({State.PLANNED.value, State.EXCLUDED.value, State.EXPIRED.value})
Positions = Mapping[tuple[str, Kind], Sequence[int]]


@contextmanager
def undelivered(home: Home, campaigns: Iterable[str]) -> Iterator[None]:
    """Keep everybody from delivering these campaigns meanwhile. Raises ``HeldError`` where somebody is at it."""
    with ExitStack() as stack:
        journal = stack.enter_context(closing(open_journal(home))) if _is_there(home) else None
        for name in campaigns:
            # Where there is no journal yet, its first holder takes this lock too.
            held = journal.hold(name) if journal else home.lock(f"campaign-{name}", f"delivering {name}")
            stack.enter_context(held)
        yield


def withdraw(home: Home, planned: Positions) -> dict[tuple[str, Kind], set[int]]:
    """Exclude what is still planned of these frozen rows, by run id and kind; give those that were ever sent.

    Only while the campaigns of the rows are locked. Raises ``JournalUnsafeError``, ``HeldError`` as the journal does.
    """
    sent: dict[tuple[str, Kind], set[int]] = {key: set() for key in planned}
    if not planned or not _is_there(home):
        return sent
    with closing(open_journal(home)) as journal, journal.write() as connection:
        for (run_id, kind), positions in planned.items():
            run = _number(connection, run_id)
            if run is None:
                continue
            first = sequence(run, kind, 0)
            for at in positions:
                span = span_of(connection, first + at)
                if span is None:
                    continue
                if span["state"] == State.PLANNED:
                    excluded = {"state": State.EXCLUDED, "reason": REASON, "is_receipted": False}
                    single_out(connection, first + at, excluded)
                elif span["state"] not in UNSENT:
                    sent[run_id, kind].add(at)
    return sent


def forget_provider_ids(home: Home, rows: Positions) -> None:
    """Take the provider's ids off these rows, and off the requests that carried nobody else."""
    if not rows or not _is_there(home):
        return
    with closing(open_journal(home)) as journal:
        for (run_id, kind), positions in rows.items():
            _forget(journal, run_id, kind, positions)


def _forget(journal: Journal, run_id: str, kind: Kind, positions: Sequence[int]) -> None:
    with journal.write() as connection:
        run = _number(connection, run_id)
        if run is None:
            return
        for at in positions:
            key = sequence(run, kind, at)
            span = span_of(connection, key)
            if span is None:
                continue
            connection.execute(
                update(requests)
                .where(requests.c.people == 1, requests.c.request == span["request"])
                .values(provider_id=None)
            )
            if span["provider_id"] is not None:
                single_out(connection, key, {"provider_id": None})


def _number(connection: Connection, run_id: str) -> int | None:
    """The journal's own number of a run; None where nothing of it was ever planned."""
    return connection.execute(select(runs.c.run).where(runs.c.run_id == run_id)).scalar()


def _is_there(home: Home) -> bool:
    return home.journal.exists() or settings.read("JOURNAL_URL") is not None
