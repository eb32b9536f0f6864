"""The delivery journal: what is known of every message and membership change, on disk before it happens.

A delivery (one row of a frozen outbox) and a request (what one HTTP call carries) move like this::

    delivery    planned ──> claimed ──> (as its request)      request   attempting ──> accepted
                 │ ▲ │         │                                            ├────────> refused
                 │ │ │         ├──> accepted | refused | in_doubt           ├────────> in_doubt
                 │ │ │         │    where the answer singled it out         └────────> planned
                 │ │ │         │
                 │ └─┼─────────┘    given back: certainly not acted on   in_doubt ──> accepted | refused
                 │   └──> expired   its window passed                       by a person who looked
                 └──────> excluded  opted out since, or told already

A claim is one transaction: it writes the request as ``attempting`` and its rows as claimed, and is on disk
before the first byte leaves. ``attempting`` found by the next holder of the campaign becomes ``in_doubt``.
Every arrow is an UPDATE that names the state it leaves and checks how many rows it changed. Nothing
leads from ``in_doubt`` back to ``planned``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, inspect, select

from activation.errors import HeldError, JournalUnsafeError
from activation.home import Home, fsync_directory
from activation.journal_tables import DELIVERY_STATES, VERSION, deliveries, meta, tables
from activation.ledger import SCHEMA_RUN

BUSY_SECONDS = 60
CACHE_KIB = 64_000
# Pages of the log before they move into the database: a request of 10,000 rows writes about 200.
CHECKPOINT_PAGES = 10_000
ALIEN = select(deliveries.c.seq).where(deliveries.c.state.not_in(DELIVERY_STATES)).limit(1)


@dataclass(frozen=True)
class Journal:
    """An open journal. Build it with :func:`open_journal`."""

    path: Path
    engine: Engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block has ended. Nobody else writes meanwhile.

        Raises ``HeldError`` where another process does for over a minute, ``JournalUnsafeError`` where
        the file cannot be read or written.
        """
        with _explained(self.path), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Statements that each see what is committed, and wait for nobody."""
        with _explained(self.path), self.engine.connect() as connection:
            yield connection.execution_options(is_reading=True)

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def open_journal(home: Home) -> Journal:
    """Open the home's journal, making it where the home never had one.

    Raises ``JournalUnsafeError`` where it is damaged, of another version or of another home, or is missing
    although the ledger says that there was one.
    """
    path = home.journal
    if not path.exists():
        _refuse_if_lost(home)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        fsync_directory(path.parent)
    journal = Journal(path, _engine(path))
    try:
        _check(home, journal)
    except BaseException:
        journal.close()
        raise
    return journal


def _engine(path: Path) -> Engine:
    # hide_parameters: an exception must not print what a statement carried.
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=wal",
            "synchronous=full",
            f"cache_size=-{CACHE_KIB}",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The write lock comes first, so that what a transaction reads is still true when it writes.
        if not connection.get_execution_options().get("is_reading"):
            connection.exec_driver_sql("begin immediate")

    return engine


def _check(home: Home, journal: Journal) -> None:
    with journal.read() as connection:
        verdict = connection.exec_driver_sql("pragma quick_check(1)").scalar()
        is_new = not inspect(connection).get_table_names()
        if not is_new and connection.execute(ALIEN).first() is not None:
            verdict = "a delivery is in no known state"
        if verdict != "ok":
            raise JournalUnsafeError(f"the journal {journal.path} is damaged: {RESTORE}")
    if is_new:
        _refuse_if_lost(home)
        with journal.write() as connection:
            tables.create_all(connection)
            for key, value in (("version", str(VERSION)), ("home_id", home.home_id)):
                connection.execute(insert(meta).prefix_with("or ignore"), {"key": key, "value": value})
    with journal.read() as connection:
        found = {row.key: row.value for row in connection.execute(select(meta))}
    if found.get("version") != str(VERSION):
        raise JournalUnsafeError(
            f"the journal {journal.path} is not of version {VERSION}, which this Muster reads: "
            f"use the Muster that wrote it"
        )
    if found.get("home_id") != home.home_id:
        raise JournalUnsafeError(
            f"the journal {journal.path} belongs to another home: put this home's own journal back"
        )


def _refuse_if_lost(home: Home) -> None:
    # An empty journal beside receipts would plan, and send, everything again.
    for folder in ("receipts", "membership_receipts"):
        if any(file.stem != SCHEMA_RUN for file in (home.ledger / folder).glob("[!.]*.parquet")):
            raise JournalUnsafeError(
                f"the journal {home.journal} is missing or empty, but the ledger holds receipts: {RESTORE}"
            )


RESTORE = (
    "nothing may be sent. Restore the latest backup of it (with its -wal file), or, if there is none, "
    "keep the home for reading only and start a new one"
)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        cause = error.orig if isinstance(error, exc.DatabaseError) else error
        name = getattr(cause, "sqlite_errorname", type(cause).__name__)
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise HeldError(
                f"the journal {path} has been busy for {BUSY_SECONDS} s: try again later"
            ) from None
        if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            raise JournalUnsafeError(
                f"the journal {path} cannot be written ({name}): make room or mend its permissions, "
                f"then resume; nothing was sent that it does not know of"
            ) from None
        raise JournalUnsafeError(f"the journal {path} cannot be used ({name}): {RESTORE}") from None
