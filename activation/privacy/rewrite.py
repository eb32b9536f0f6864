"""Taking rows out of files that are otherwise never changed: each file is the old one or the new one, whole.

A file that lost all its rows stays, empty: its name holds the digest of what was once dropped, so the same bytes do
not land again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.clock import naive_utc
from activation.errors import LandingError
from activation.home import Home, fsync_directory
from activation.landing.contract import (
    LOADED_AT,
    SCHEMA_FILE,
    SOURCE_FILE,
    Table,
    arrow_schema,
    contract,
    ensure_schema_files,
    publish,
    temporary_name,
    write_parquet,
)
from activation.landing.job import compact
from activation.landing.source import connect, literal

KEPT_CACHES = frozenset({"compiled", "parsed", "recheck"})  # SQL and dbt's parse of it; no data


@contextmanager
def opened(home: Home, *, changing: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine over the landing zone; with ``changing``, while nobody lands or builds.

    Raises ``HeldError`` where somebody does, ``LandingError`` where a file cannot be read.
    """
    if not changing:
        ensure_schema_files(home)
        with _engine(home) as connection:
            yield connection
        return
    with home.lock("build", "building the warehouse"), home.lock("landing", "landing files"):
        ensure_schema_files(home)
        for zone in (home.landing, home.quarantine, home.ledger / "erasures"):
            for stale in zone.rglob(".*.tmp"):  # of a process that was killed: the locks are ours
                stale.unlink()
        with _engine(home) as connection:
            yield connection


@contextmanager
def _engine(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    spill = home.landing / ".spill"
    try:
        with connect(spill) as connection:
            yield connection
    except duckdb.Error as error:  # its message may quote a value
        raise LandingError(
            f"a file in {home.path} cannot be read or written ({type(error).__name__}): check it and the free "
            "space, restore it from a backup where it is damaged, then run the command again"
        ) from None
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def rows_of(home: Home, table: Table) -> str:
    """Write the SQL relation of everything landed of a table, with ``filename``."""
    files = f"{_escaped(home.landing / table.folder)}/*.parquet"
    return f"read_parquet({literal(files)}, union_by_name = true, filename = true)"


def rows_in(file: Path) -> str:
    """Write the SQL relation of one landed file, with every column of today's contract."""
    files = ", ".join(literal(_escaped(each)) for each in (file, file.with_name(SCHEMA_FILE)))
    return f"read_parquet([{files}], union_by_name = true)"


def _escaped(path: Path) -> str:
    return re.sub(r"([\[*?])", r"[\1]", str(path))  # DuckDB takes a path for a pattern


def counted_by_file(
    connection: duckdb.DuckDBPyConnection, home: Home, table: Table, condition: str
) -> dict[Path, int]:
    """How many rows of each file meet ``condition``; only files with some."""
    found = connection.execute(
        f"select filename, count(*) from {rows_of(home, table)} as landed where {condition} group by 1 order by 1"
    ).fetchall()
    return {Path(name): int(count) for name, count in found}


def without(connection: duckdb.DuckDBPyConnection, file: Path, condition: str) -> None:
    """Take the rows that meet ``condition`` (never null) out of a file; the others keep their order."""
    _replace(connection, file, f"select * from {rows_in(file)} as landed where not ({condition})")


def with_value(
    connection: duckdb.DuckDBPyConnection, file: Path, condition: str, column: str, value: str
) -> None:
    """Put ``value`` into a text column of the rows that meet ``condition``."""
    changed = f'case when {condition} then {literal(value)} else "{column}" end as "{column}"'
    _replace(connection, file, f"select * replace ({changed}) from {rows_in(file)} as landed")


def _replace(connection: duckdb.DuckDBPyConnection, file: Path, query: str) -> None:
    temporary = temporary_name(file)
    try:
        connection.execute(
            f"copy ({query}) to {literal(str(temporary))} (format parquet, compression zstd, use_tmp_file false)"
        )
        publish(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def record_removal(home: Home, key: str, table: Table, *, reason: str, rows: int, now: datetime) -> None:
    """Land the row of ``muster.removals`` that says how many rows go; before they do, so that none goes untold.

    The same ``key`` and table are the same file.
    """
    removals = contract()["muster.removals"]
    row = {
        "source_table": table.name,
        "reason": reason,
        "rows_removed": rows,
        "removed_at": naive_utc(now),
        LOADED_AT: naive_utc(now),
        SOURCE_FILE: None,
    }
    digest = hashlib.md5(f"{key}/{table.name}".encode(), usedforsecurity=False).hexdigest()[:12]
    file = home.landing / removals.folder / f"{compact(now)}-{digest}.parquet"
    write_parquet(file, pa.Table.from_pylist([row], arrow_schema(removals)))


def drop_warehouse(home: Home) -> bool:
    """Remove the published warehouse and every kept build: caches, which hold people. Say whether there were any."""
    found = [entry for entry in home.warehouse.iterdir() if entry.name not in {*KEPT_CACHES, "build"}]
    found += (home.warehouse / "build").iterdir()
    for entry in found:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    fsync_directory(home.warehouse)
    return bool(found)
