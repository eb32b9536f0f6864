"""Retention: rows that are older than their table's limit leave the landing zone, and quarantine is emptied in time."""

from __future__ import annotations

import re
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activation import settings
from activation.clock import naive_utc
from activation.home import Home, fsync_directory
from activation.journal import open_journal
from activation.journal_closing import closable, close_runs, count_runs
from activation.landing.contract import Table, contract
from activation.landing.source import literal, quoted
from activation.privacy import drops
from activation.privacy.rewrite import counted_by_file, opened, record_removal, rows_of, without

QUARANTINE, DROPS, JOURNAL = "quarantine", "drops", "journal"
# A month to mend a file and drop it again; what nobody mended by then is only a copy of raw personal data.
QUARANTINE_KEEP_DAYS = 30
# Longer than any campaign stays open and any doubt is looked into; receipts stay in the ledger.
JOURNAL_KEEP_DAYS = 60
_STAMPED = re.compile(r"(\d{8}T\d{12}Z)-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True)
class Purged:
    """What a purge did, or would do, to one table.

    Of quarantine and drops the counts are of files, of the journal of runs.
    """

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
    found.append(_close_runs(home, as_of, dry_run=dry_run))
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


def _close_runs(home: Home, as_of: datetime, *, dry_run: bool) -> Purged:
    """Runs whose rows leave the journal: what became of them is in the ledger."""
    if not home.journal.exists() and settings.journal_url() is None:
        return Purged(JOURNAL, JOURNAL_KEEP_DAYS, 0, 0)
    before = as_of - timedelta(days=JOURNAL_KEEP_DAYS)
    with closing(open_journal(home)) as journal:
        known = count_runs(journal)
        gone = closable(journal, before) if dry_run else close_runs(journal, before, as_of)
    return Purged(JOURNAL, JOURNAL_KEEP_DAYS, known, len(gone))


def _set_aside_at(file: Path) -> datetime:
    """When a file came to quarantine: from the name that landing gave it, else from the file itself."""
    stamp = _STAMPED.fullmatch(file.name)
    if stamp:
        return datetime.strptime(stamp[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    return datetime.fromtimestamp(file.stat().st_ctime, UTC)  # when it was moved here
