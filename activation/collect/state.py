"""What was collected already: digests of events, a cursor for each source, and files on their way to the inbox.

::

    collected/<source>/ids/*.parquet       HMAC-SHA256 of what identifies an event, the first 16 bytes
    collected/<source>/outgoing/*.parquet  events of a collection that is not in the inbox yet
    collected/<source>/cursor.json         where the next pull begins

A collection counts once its file of digests is there: after a crash its events go on to the inbox, else they are
read again. No address is kept here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from activation.errors import ConfigurationError
from activation.home import Home, fsync_directory, write_atomically
from activation.landing.contract import contract, write_parquet
from activation.landing.job import compact

IDS = pa.schema([("digest", pa.binary(16))])
FILES_KEPT = 50
NO_ID = "0000-schema.parquet"


class Memory:
    """The state of one source. Only whoever holds the lock ``collect`` may make one."""

    def __init__(self, home: Home, source: str, table: str) -> None:
        folder = home.path / "collected" / source
        self._ids, self._outgoing, self._cursor = folder / "ids", folder / "outgoing", folder / "cursor.json"
        self._inbox = home.inbox / contract()[table].folder
        self._source = source
        for made in (self._ids, self._outgoing):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self._ids / NO_ID).exists():
            write_parquet(self._ids / NO_ID, IDS.empty_table())
        for file in sorted(self._outgoing.glob("*.parquet")):
            if (self._ids / file.name).exists():
                self._hand_over(file)
            else:
                file.unlink()

    @property
    def seen(self) -> str:
        """The Parquet files of digests, as DuckDB reads them."""
        return str(self._ids / "*.parquet")

    def cursor(self) -> Mapping[str, str]:
        """Where the last complete pull ended; empty where there was none.

        Raises ``ConfigurationError`` where it cannot be read.
        """
        try:
            found = json.loads(self._cursor.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ConfigurationError(
                f"{self._cursor} is damaged: remove it; the next collection pulls everything, and adds what is new"
            )
        return {str(name): str(value) for name, value in found.items()}

    def keep(self, events: pa.Table, digests: pa.Array, cursor: Mapping[str, str], now: datetime) -> None:
        """Bring new events to the inbox, once, whatever happens meanwhile; then move the cursor on."""
        if events.num_rows:
            name = f"{compact(now)}-{uuid.uuid4().hex[:12]}.parquet"
            write_parquet(self._outgoing / name, events)
            write_parquet(self._ids / name, pa.table([digests], schema=IDS))
            self._hand_over(self._outgoing / name)
            self._merge(name)
        if cursor:
            write_atomically(self._cursor, json.dumps(dict(cursor), sort_keys=True).encode())

    def _hand_over(self, file: Path) -> None:
        self._inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(self._inbox / f"{self._source}-{file.name}")
        fsync_directory(self._inbox)

    def _merge(self, name: str) -> None:
        """Make one file of many; a crash in between leaves digests twice, which changes nothing."""
        files = sorted(self._ids.glob("[!.]*.parquet"))
        if len(files) > FILES_KEPT:
            merged = pa.concat_tables([pq.read_table(file) for file in files])
            write_parquet(self._ids / name, merged)
            for file in files:
                if file.name not in {name, NO_ID}:
                    file.unlink()
