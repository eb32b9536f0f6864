"""The delivery journal: what is known of every message and membership change, on disk before it happens.

A row of a frozen outbox and a request (what one HTTP call carries) move like this::

    row         planned ──> claimed ──> (as its request)      request   attempting ──> accepted
                 │ ▲ │         │                                  ▲         ├────────> refused
                 │ │ │         ├──> accepted | refused | in_doubt │         ├────────> in_doubt
                 │ │ │         │    where the answer singled it out         └────────> planned
                 │ │ │         │                                  │
                 │ └─┼─────────┘    given back: certainly         │      in_doubt ──> accepted | refused
                 │   │              not acted on                  │         │         by a person, by feedback
                 │   └──> expired   its window passed             │         │         or by a look-up
                 └──────> excluded  opted out since, or told      │         ├───────> planned, by a look-up that
                                    already                       └─────────┘         certainly found nothing
                                             again under the same key, where the destination is idempotent

A claim is one transaction: it writes its requests as ``attempting`` and their rows as claimed, and is on disk before
the first byte leaves. ``attempting`` found by the next holder of the campaign becomes ``in_doubt``. Every arrow
names the state it leaves and checks how many rows it changed. Nothing leads from ``in_doubt`` back to ``planned``
but the destination's own word.

SQLite by default; PostgreSQL where ``MUSTER_JOURNAL_URL`` names one, for workers on several machines.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    exc,
    inspect,
    make_url,
    pool,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from activation import settings
from activation.errors import BusyError, ConfigurationError, JournalUnsafeError
from activation.home import Home, fsync_directory
from activation.journal_checks import damage
from activation.journal_mark import Mark
from activation.journal_tables import VERSION, leases, meta, tables
from activation.ledger import SCHEMA_RUN

BUSY_SECONDS = 60
CACHE_KIB = 64_000
# Pages of the log before they move into the database.
CHECKPOINT_PAGES = 10_000
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True)
class Journal:
    """An open journal. Build it with :func:`open_journal`."""

    where: str
    engine: Engine
    home: Home
    mark: Mark

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block has ended.

        Raises ``BusyError`` where others keep it for over a minute, ``JournalUnsafeError`` where it cannot be
        read or written.
        """
        with _explained(self.where), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Statements that each see what is committed, and wait for nobody."""
        with _explained(self.where), self.engine.connect() as connection:
            yield connection.execution_options(is_reading=True)

    def hold(self, campaign: str) -> AbstractContextManager[None]:
        """Hold a campaign: a kernel lock on the home, or PostgreSQL's advisory lock, freed however this ends.

        Raises ``BusyError`` at once where another process holds it.
        """
        if self.engine.dialect.name == SQLITE:
            return self.home.lock(f"campaign-{campaign}", f"delivering {campaign}")
        return self._advisory(campaign)

    def lock_lease(self, connection: Connection, campaign: str) -> str | None:
        """Give the epoch that a campaign is held under, and keep it so until the transaction ends."""
        held = select(leases.c.epoch).where(leases.c.campaign == campaign).with_for_update()
        epoch = connection.execute(held).scalar()
        if epoch is None:
            kind = sqlite if connection.dialect.name == SQLITE else postgresql
            new = kind.insert(leases).values(campaign=campaign, epoch="").on_conflict_do_nothing()
            connection.execute(new)
            epoch = connection.execute(held).scalar()
        return None if epoch is None else str(epoch)

    def note_claims(self, request: int) -> None:
        """Note outside of the journal how far it is, so that an older copy of it is recognised."""
        self.mark.note(request)

    def close(self) -> None:
        """Let go of it; the last one notes what it looks like."""
        last = self.mark.is_alone()
        if last and self.engine.dialect.name == SQLITE:
            with self.read() as connection:
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        self.engine.dispose()
        self.mark.close(is_last=last)

    @contextmanager
    def _advisory(self, campaign: str) -> Iterator[None]:
        digest = hashlib.md5(f"{self.home.home_id} {campaign}".encode(), usedforsecurity=False).digest()
        key = {"key": int.from_bytes(digest[:8], signed=True)}
        with _explained(self.where), self.engine.connect() as connection:
            holder = connection.execution_options(isolation_level="AUTOCOMMIT")
            if not holder.execute(text("select pg_try_advisory_lock(:key)"), key).scalar():
                raise BusyError(
                    f"another process is delivering {campaign} from {self.where}; try again when it has ended"
                )
            try:
                yield
            finally:
                # The session's end frees it too; this is for the pool's sake.
                holder.execute(text("select pg_advisory_unlock(:key)"), key)


def open_journal(home: Home) -> Journal:
    """Open the home's journal, making it where the home never had one.

    Raises ``JournalUnsafeError`` where it is damaged, older than what was sent, of another version or of another
    home, or is missing although the ledger says that there was one; ``ConfigurationError`` for a URL that is none.
    """
    url = settings.journal_url()
    # Asked before it is looked for: another process may make it and claim in the meantime.
    was_used = _was_used(home)
    if url is None:
        path = home.journal
        if was_used and not path.exists():
            raise _lost(str(path))
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            fsync_directory(path.parent)
        mark = Mark(home, path)
        if mark.is_damaged():
            mark.close(is_last=False)
            raise JournalUnsafeError(
                f"the journal {path} is not as it was left: it was damaged, or another copy was put in its place; "
                f"{RESTORE}"
            )
        journal = Journal(str(path), _sqlite(path), home, mark)
    else:
        journal = Journal("the journal database", _postgresql(url), home, Mark(home, None))
    try:
        _check(home, journal, was_used=was_used)
    except BaseException:
        journal.engine.dispose()
        journal.mark.close(is_last=False)
        raise
    return journal


def _sqlite(path: Any) -> Engine:
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


def _postgresql(given: str) -> Engine:
    try:
        url: URL = make_url(given)
    except (exc.ArgumentError, ValueError):
        raise ConfigurationError(
            "MUSTER_JOURNAL_URL is no database URL: postgresql://host/database"
        ) from None
    if not url.drivername.startswith(POSTGRESQL):
        raise ConfigurationError(
            f"MUSTER_JOURNAL_URL names {url.drivername}: it is postgresql://…, or unset for SQLite"
        )
    seconds = BUSY_SECONDS * 1000
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        poolclass=pool.QueuePool,
        pool_size=2,
        max_overflow=8,
        connect_args={
            "options": f"-c synchronous_commit=on -c lock_timeout={seconds}",
            "connect_timeout": 10,
        },
    )


def _check(home: Home, journal: Journal, *, was_used: bool) -> None:
    is_sqlite = journal.engine.dialect.name == SQLITE
    with journal.read() as connection:
        is_new = not inspect(connection).has_table(meta.name)
        found_damage = None if is_new or journal.mark.is_as_left else damage(connection)
        if is_sqlite and is_new and connection.exec_driver_sql("pragma quick_check(1)").scalar() != "ok":
            found_damage = "it is no database"
    if found_damage:
        raise JournalUnsafeError(f"the journal {journal.where} is damaged ({found_damage}): {RESTORE}")
    if is_new and was_used:
        raise _lost(journal.where)
    if is_new:
        _make(home, journal)
    with journal.read() as connection:
        found = {row.key: row.value for row in connection.execute(select(meta))}
        if found.get("version") != str(VERSION):
            raise JournalUnsafeError(
                f"the journal {journal.where} is not of version {VERSION}, which this Muster reads: "
                f"use the Muster that wrote it"
            )
        if found.get("home_id") != home.home_id:
            raise JournalUnsafeError(
                f"the journal {journal.where} belongs to another home: put this home's own journal back"
            )
        journal.mark.refuse_older(connection, journal.where)
    journal.mark.open()


def _make(home: Home, journal: Journal) -> None:
    kind = sqlite if journal.engine.dialect.name == SQLITE else postgresql
    with journal.write() as connection:
        if kind is postgresql:
            connection.execute(text("select pg_advisory_xact_lock(7011)"))
        tables.create_all(connection)
        for key, value in (("version", str(VERSION)), ("home_id", home.home_id)):
            connection.execute(kind.insert(meta).values(key=key, value=value).on_conflict_do_nothing())


def _was_used(home: Home) -> bool:
    """Whether the ledger knows of a claim or a receipt, and so of a journal."""
    return Mark.has_claims(home) or any(
        file.stem != SCHEMA_RUN
        for folder in ("receipts", "membership_receipts")
        for file in (home.ledger / folder).glob("[!.]*.parquet")
    )


def _lost(where: str) -> JournalUnsafeError:
    # An empty journal beside receipts would plan, and send, everything again.
    return JournalUnsafeError(
        f"the journal {where} is missing or empty, but the ledger says that there was one: {RESTORE}"
    )


RESTORE = (
    "nothing may be sent. Restore the latest backup of it (with its -wal file), or, if there is none, "
    "keep the home for reading only and start a new one"
)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        cause = error.orig if isinstance(error, exc.DatabaseError) else error
        name = getattr(cause, "sqlite_errorname", type(cause).__name__)
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "LockNotAvailable")):
            raise BusyError(
                f"the journal {where} has been busy for {BUSY_SECONDS} s: try again later"
            ) from None
        if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "DiskFull")):
            raise JournalUnsafeError(
                f"the journal {where} cannot be written ({name}): make room or mend its permissions, "
                f"then resume; nothing was sent that it does not know of"
            ) from None
        if name in {"OperationalError", "AdminShutdown", "ConnectionTimeout", "CrashShutdown"}:
            raise JournalUnsafeError(
                f"{where} cannot be reached ({name}): start it, or mend MUSTER_JOURNAL_URL, then resume; "
                "nothing was sent that it does not know of"
            ) from None
        raise JournalUnsafeError(f"the journal {where} cannot be used ({name}): {RESTORE}") from None
