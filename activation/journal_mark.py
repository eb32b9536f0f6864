"""What stands outside of the journal about it: how far it was, and what its file looked like when it was left.

A copy of the journal from before a delivery knows nothing of what was sent since, so it must not be taken for the
journal itself. Each claim notes its last request in ``ledger/journal.mark`` before anything leaves; whoever closes a
SQLite journal last notes the digest of its file as well, which any flipped byte changes. While it is open, or after
a crash, there is no digest, and :mod:`activation.journal_checks` looks inside instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, func, select

from activation.errors import HeldError, JournalUnsafeError
from activation.home import Home, write_atomically
from activation.journal_tables import meta, requests

WAIT_SECONDS = 60.0
NAP = 0.02
EMPTY_LOG_BYTES = 0
# How far the requests were when runs were closed and their requests left.
LAST_REQUEST = "last_request"
DIGITS = 20


class Mark:
    """The mark of one home's journal, held open as long as the journal is; ``path`` is its file, if it is one."""

    def __init__(self, home: Home, path: Path | None) -> None:
        """Raises ``HeldError`` where another process keeps opening it."""
        self._file = _file(home)
        self._digest_file = home.ledger / "journal.digest"
        self._path = path
        home.locks.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(home.locks / "journal.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._is_first = self._lock_for_opening()
        self.is_as_left = False
        self._descriptor: int | None = None

    @staticmethod
    def has_claims(home: Home) -> bool:
        """Whether the home's journal ever claimed anything."""
        return _noted(_file(home)) > 0

    def is_damaged(self) -> bool:
        """Whether the file is another than the last one who closed it left; then it may not be opened."""
        if not self._is_first or self._path is None or not self._digest_file.exists():
            return False
        self.is_as_left = self._digest_file.read_text().strip() == self._digest()
        return not self.is_as_left

    def refuse_older(self, connection: Connection, where: str) -> None:
        """Raise ``JournalUnsafeError`` where the journal does not know a request that was claimed."""
        # First: another process may claim meanwhile, and it notes a request after it is in the journal.
        noted = _noted(self._file)
        latest = connection.execute(select(func.max(requests.c.request))).scalar() or 0
        closed = connection.execute(select(meta.c.value).where(meta.c.key == LAST_REQUEST)).scalar() or 0
        if max(latest, int(closed)) < noted:
            raise JournalUnsafeError(
                f"the journal {where} is older than what was sent: a copy from before was put in its place. Nothing "
                "may be sent from it: put back the journal as it was last, with its -wal file"
            )

    def open(self) -> None:
        """From here on the file changes: its digest is gone, and others may open it too."""
        if self._is_first:
            self._digest_file.unlink(missing_ok=True)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)

    def note(self, request: int) -> None:
        """Note the last request that was claimed; outlives the process, whatever ends it."""
        assert self._descriptor is not None  # noqa: S101  # only an open journal claims
        if request > int(os.pread(self._descriptor, DIGITS, 0) or 0):
            os.pwrite(self._descriptor, f"{request:0{DIGITS}d}".encode(), 0)

    def is_alone(self) -> bool:
        """Whether no other process has the journal open; then none can open it until :meth:`close`."""
        if self._descriptor is None:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self, *, is_last: bool) -> None:
        """Let go; the last one notes what the file looks like."""
        try:
            if is_last and self._path is not None and not _log(self._path):
                # Where that fails there is none, as after a crash: no reason to say that the delivery failed.
                with suppress(OSError):
                    write_atomically(self._digest_file, self._digest().encode())
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _lock_for_opening(self) -> bool:
        """Lock alone where nobody has it open, else beside the others; say whether alone."""
        give_up_at = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < give_up_at:
            for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
                try:
                    fcntl.flock(self._lock, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                return kind == fcntl.LOCK_EX
            time.sleep(NAP)
        raise HeldError(
            f"another process has been opening the journal for {WAIT_SECONDS:.0f} s: try again later"
        )

    def _digest(self) -> str:
        assert self._path is not None  # noqa: S101  # only a file has a digest
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() + ("+log" if _log(self._path) else "")


def _file(home: Home) -> Path:
    return home.ledger / "journal.mark"


def _noted(file: Path) -> int:
    try:
        return int(file.read_text() or 0)
    except FileNotFoundError:
        return 0
    except ValueError:
        raise JournalUnsafeError(f"{file} is damaged: restore it from a backup of the home") from None


def _log(path: Path) -> bool:
    """Whether there are pages that have not moved into the file yet."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > EMPTY_LOG_BYTES
