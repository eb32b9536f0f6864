"""The feeds that objections arrive by have to be as whole at the delivery as the frozen run saw them, and fresh.

The build asks the same of every input (model ``guard_inputs``) and holds its campaigns. Between build and delivery
hours or days may pass, and a restored disk, a cleaned folder or a dead extract would make the re-check find nobody who
objected. So each feed is compared with what is frozen beside the decisions: its files, its rows, its limit of age.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.clock import naive_utc
from activation.errors import HeldError
from activation.frozen import FrozenRun, connect, read_manifest
from activation.home import Home
from activation.landing.contract import LOADED_AT, SCHEMA_FILE, contract

FEEDS = (
    "consent.events",
    "suppressions.manual",
    "provider.email_events",
    "provider.sms_events",
    "provider.push_events",
)


def check_feeds(home: Home, run: FrozenRun, now: datetime) -> None:
    """Stop where a feed of objections is not what it was, or too old, at ``now`` on the delivery clock.

    Only footers are read. Raises ``HeldError`` that names the feed: files that the run saw are gone, fewer rows than it
    saw are left (rows taken out by a purge or an erasure counted in), or the newest load is older than the limit.
    """
    try:
        seen = read_manifest(run).landing
        with connect() as engine:
            counts = _frozen_counts(engine, run)
            limits = _frozen_limits(engine, run)
            removed = _summed(home, "muster.removals", "rows_removed")
        for feed in FEEDS:
            gone = [name for name in seen if _is_of(name, feed) and not (home.path / name).exists()]
            if gone:
                raise _held(run, f"{feed} is missing files that the run was decided on, {gone[0]} first")
            if feed in counts:
                files = _files(home, feed)
                rows = sum(pq.read_metadata(file).num_rows for file in files) + removed.get(feed, 0)
                if rows < counts[feed][0]:
                    raise _held(
                        run, f"{feed} has {rows:,} rows, fewer than the {counts[feed][0]:,} that the run saw"
                    )
                why = _too_old(home, feed, counts[feed][1], limits.get(feed), now)
                if why is not None:
                    raise _held(run, why)
    except (OSError, pa.ArrowException, duckdb.Error) as error:
        raise _held(run, f"a feed of objections cannot be read ({type(error).__name__})") from None


def _too_old(home: Home, feed: str, known: datetime | None, limit: float | None, now: datetime) -> str | None:
    """Why a feed is too old, or None. What the run knew may be fresh enough, and saves looking.

    Age is in clock hours, as the build counts it.
    """

    def hours(moment: datetime) -> int:
        end, start = (each.replace(minute=0, second=0, microsecond=0) for each in (naive_utc(now), moment))
        return int((end - start).total_seconds() // 3600)

    if limit is None or (known is not None and hours(known) <= limit):
        return None
    moments = (known, _newest_row(home, feed, now), _latest_loads(home, now).get(feed))
    newest = max(filter(None, moments), default=None)
    if newest is not None and hours(newest) <= limit:
        return None
    age = "was never loaded" if newest is None else f"was last loaded {hours(newest)} hours ago"
    return f"{feed} {age}, the limit is {limit:.0f}"


def _frozen_counts(
    engine: duckdb.DuckDBPyConnection, run: FrozenRun
) -> dict[str, tuple[int, datetime | None]]:
    rows = engine.execute(
        "select source_table, row_count, last_loaded_at from read_parquet(?)",
        [str(run.directory / "input_counts.parquet")],
    ).fetchall()
    return {str(table): (int(count), loaded) for table, count, loaded in rows}


def _frozen_limits(engine: duckdb.DuckDBPyConnection, run: FrozenRun) -> dict[str, float]:
    rows = engine.execute(
        "select source_table, limit_value from read_parquet(?) where guard = 'input_stale' and limit_value is not null",
        [str(run.directory / "guard_inputs.parquet")],
    ).fetchall()
    return {str(table): float(limit) for table, limit in rows}


def _is_of(name: str, feed: str) -> bool:
    return Path(name).parts[-3:-1] == tuple(feed.split(".")) and Path(name).name != SCHEMA_FILE


def _files(home: Home, table: str) -> list[Path]:
    return sorted((home.landing / contract()[table].folder).glob("*.parquet"))


def _summed(home: Home, table: str, column: str) -> dict[str, int]:
    """Sum a small table of Muster's own by the table it speaks of."""
    total: dict[str, int] = {}
    for file in _files(home, table):
        rows = pq.read_table(file, columns=["source_table", column])
        for name, value in zip(*(rows[each].to_pylist() for each in ("source_table", column)), strict=True):
            total[name] = total.get(name, 0) + int(value)
    return total


def _latest_loads(home: Home, now: datetime) -> dict[str, datetime]:
    """When each table last came, also with nothing new; not what was set aside whole."""
    latest: dict[str, datetime] = {}
    for file in _files(home, "muster.loads"):
        rows = pq.read_table(file, columns=["source_table", "rows_landed", "reason", LOADED_AT]).to_pylist()
        for row in rows:
            is_load = row["rows_landed"] > 0 or row["reason"] is None
            if is_load and row[LOADED_AT] <= naive_utc(now):
                latest[row["source_table"]] = max(
                    row[LOADED_AT], latest.get(row["source_table"], row[LOADED_AT])
                )
    return latest


def _newest_row(home: Home, table: str, now: datetime) -> datetime | None:
    moment = pa.scalar(naive_utc(now), pa.timestamp("us"))
    newest: datetime | None = None
    for file in _files(home, table):
        loaded = pq.read_table(file, columns=[LOADED_AT])[LOADED_AT]
        found = pc.max(loaded.filter(pc.less_equal(loaded, moment))).as_py()
        newest = max(filter(None, (newest, found)), default=None)
    return newest


def _held(run: FrozenRun, what: str) -> HeldError:
    return HeldError(
        f"run {run.run_id}: {what}. Nothing more was sent: restore or land it, then `muster resume {run.run_id}`"
    )
