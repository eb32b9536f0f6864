"""Retention: rows that are older than their table's limit leave the landing zone, and quarantine is emptied in time."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activation.clock import naive_utc
from activation.home import Home, fsync_directory
from activation.landing.contract import Table, contract
from activation.landing.source import literal, quoted
from activation.privacy import drops
from activation.privacy.rewrite import counted_by_file, opened, record_removal, rows_of, without

QUARANTINE, DROPS = "quarantine", "drops"
# A month to mend a file and drop it again; what nobody mended by then is only a copy of raw personal data.
QUARANTINE_KEEP_DAYS = 30
_STAMPED = re.compile(r"(\d{8}T\d{12}Z)-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True)
class Purged:
    """What a purge did, or would do, to one table. Of quarantine and drops the counts are of files."""

    table: str
    keep_days: int | None
    looked_at: int
    removed: int

    @property
    def kept(self) -> int:
        """What is left."""
        return self.looked_at - self.removed


def purge(home: Home, as_of: datetime, *, dry_run: bool = False) -> list[Purged]:
    """Remove what is older, at ``as_of``, than its table says; what is exactly as old stays.

    Raises ``HeldError`` while somebody lands or builds, ``LandingError`` where a file cannot be read.
    """
    purge_id = uuid.uuid4().hex
    found = []
    with opened(home, changing=not dry_run) as connection:
        for table in contract().values():
            condition = _is_too_old(table, as_of)
            files = counted_by_file(connection, home, table, condition)
            counted = connection.execute(f"select count(*) from {rows_of(home, table)}").fetchone()
            total, removed = int(counted[0]) if counted else 0, sum(files.values())
            found.append(Purged(table.name, table.retention.keep_days, total, removed))
            if removed and not dry_run:
                record_removal(home, purge_id, table, reason="retention", rows=removed, now=as_of)
                for file in files:
                    without(connection, file, condition)
        found.append(_purge_quarantine(home, as_of, dry_run=dry_run))
        found.append(_purge_drops(home, as_of, dry_run=dry_run))
    return found


def _is_too_old(table: Table, as_of: datetime) -> str:
    """The condition, never null, under which a row of a table goes."""
    retention = table.retention
    if retention.keep_days is None or retention.by is None:
        return "false"
    oldest = naive_utc(as_of - timedelta(days=retention.keep_days)).isoformat(sep=" ")
    condition = f"{quoted(retention.by)} < timestamp '{oldest}'"
    for column, values in retention.always:
        condition += f" and {quoted(column)} not in ({', '.join(literal(value) for value in values)})"
    return f"coalesce({condition}, false)"


def _purge_quarantine(home: Home, as_of: datetime, *, dry_run: bool) -> Purged:
    files = [file for file in sorted(home.quarantine.rglob("*")) if file.is_file()]
    oldest = as_of - timedelta(days=QUARANTINE_KEEP_DAYS)
    gone = [file for file in files if _set_aside_at(file) < oldest]
    for file in [] if dry_run else gone:
        file.unlink()
        fsync_directory(file.parent)
    return Purged(QUARANTINE, QUARANTINE_KEEP_DAYS, len(files), len(gone))


def _purge_drops(home: Home, as_of: datetime, *, dry_run: bool) -> Purged:
    total, gone = drops.old_files(home, as_of)
    for file in [] if dry_run else gone:
        drops.remove(file)
    return Purged(DROPS, drops.KEEP_DAYS, total, len(gone))


def _set_aside_at(file: Path) -> datetime:
    """When a file came to quarantine: from the name that landing gave it, else from the file itself."""
    stamp = _STAMPED.fullmatch(file.name)
    if stamp:
        return datetime.strptime(stamp[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    return datetime.fromtimestamp(file.stat().st_ctime, UTC)  # when it was moved here
