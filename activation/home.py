"""A home: the directory that holds one Muster installation's state, live or rehearsal for good.

Directories are 0700 and files 0600, because landing and ledger hold personal data. A rehearsal home
runs on a simulated clock and reaches loopback only; a live home runs on the wall clock.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from activation.errors import BusyError, ConfigurationError

VERSION = 1


class World(StrEnum):
    """What a home stands for; decided once, when it is made."""

    LIVE = "live"
    REHEARSAL = "rehearsal"


@dataclass(frozen=True)
class Home:
    """Paths and world of one home. Build it with :func:`open_home`."""

    path: Path
    world: World
    home_id: str

    @property
    def inbox(self) -> Path:
        """Where extract tools drop files, ``<source>/<table>/*``."""
        return self.path / "inbox"

    @property
    def landing(self) -> Path:
        """Checked, typed Parquet, ``<source>/<table>/*.parquet``; append-only."""
        return self.path / "landing"

    @property
    def quarantine(self) -> Path:
        """Rows that failed a landing check, with the reason."""
        return self.path / "quarantine"

    @property
    def ledger(self) -> Path:
        """Frozen runs, receipts, approvals; append-only."""
        return self.path / "ledger"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file and its builds: a cache."""
        return self.path / "warehouse"

    @property
    def warehouse_file(self) -> Path:
        """The published warehouse."""
        return self.warehouse / "muster.duckdb"

    @property
    def journal(self) -> Path:
        """The SQLite delivery journal."""
        return self.path / "journal.db"

    @property
    def locks(self) -> Path:
        """Files that carry kernel locks; the locks, not the files, mean something."""
        return self.path / "locks"

    @property
    def drops(self) -> Path:
        """Files for whom no API reaches, ``<destination>/<file>``; each is whole once ``<file>.done`` is beside it."""
        return self.path / "drops"

    @property
    def sandbox(self) -> Path:
        """What stands for the outside world in a rehearsal home; only the sandbox writes here."""
        return self.path / "sandbox"

    def run_directory(self, run_id: str) -> Path:
        """Where the ledger keeps one run. Raises ``ConfigurationError`` for what cannot be a run id."""
        return self.ledger / "runs" / _plain(run_id)

    def build_directory(self, run_id: str) -> Path:
        """Where one run builds its warehouse before it is published. Raises as :meth:`run_directory`."""
        return self.warehouse / "build" / _plain(run_id)

    @contextmanager
    def lock(self, name: str, holding: str) -> Iterator[None]:
        """Hold a kernel lock, freed by the kernel however this process ends.

        Raises ``BusyError`` at once where another process holds it; ``holding`` says what for.
        """
        self.locks.mkdir(mode=0o700, exist_ok=True)
        with (self.locks / f"{name}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    f"another process is {holding} in {self.path}; try again when it has ended"
                ) from None
            yield


def _plain(name: str) -> str:
    """Pass a run id on into a path, where it cannot lead out of its place."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}", name):
        raise ConfigurationError(f"{name!r} cannot be a run id: use letters, digits, and _ . -")
    return name


def open_home(path: Path, create: World | None = None) -> Home:
    """Open the home at ``path``; with ``create``, make it first where there is none.

    Raises ``ConfigurationError`` where there is no home, or one of another version or world.
    """
    path = path.resolve()
    os.umask(0o077)  # every file that this process, or dbt below it, writes is its owner's alone
    file = path / "home.json"
    if not file.exists():
        if create is None:
            raise ConfigurationError(
                f"{path} is no Muster home. `muster sample` makes a rehearsal home with example data; "
                f"`muster land` makes a live one. MUSTER_HOME names another place."
            )
        _make(path, create)
    try:
        text = json.loads(file.read_text())
        home = Home(path, World(text["world"]), str(text["home_id"]))
        version = int(text["version"])
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is damaged: restore it from a backup of the home") from None
    if version != VERSION:
        raise ConfigurationError(f"{file} is of version {version}; this Muster reads version {VERSION}")
    return home


def _make(path: Path, world: World) -> None:
    for name in ("inbox", "landing", "quarantine", "ledger/runs", "warehouse/build", "locks"):
        (path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    for private in (path / "ledger", path / "warehouse"):
        private.chmod(0o700)
    home = {
        "version": VERSION,
        "world": world.value,
        "home_id": uuid.uuid4().hex,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_atomically(path / "home.json", json.dumps(home, indent=2).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is either wholly there, on disk, or not at all; mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a file to write; at the end it is on disk under ``path``, or gone where that failed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield temporary
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def fsync_directory(path: Path) -> None:
    """Make a rename inside ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
