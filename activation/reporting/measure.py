"""The measure step: land what Python knows, then build every model that no decision reads, and publish them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from activation.build import measure
from activation.campaigns import load_campaigns
from activation.clock import Clock
from activation.errors import ConfigurationError
from activation.frozen import connect
from activation.home import Home
from activation.landing.contract import LOADED_AT, arrow_schema, contract, ensure_schema_files
from activation.landing.own import land_table
from activation.ledger import ensure_ledger
from activation.reporting.known import Row, definition_rows, launch_rows, run_rows, schedule_rows

TICK = timedelta(microseconds=1)
TABLES = ("muster.runs", "muster.definitions", "muster.schedules", "muster.launches")
OPEN = "verdict is null or verdict = 'approve' or people_waiting > 0 or people_in_doubt > 0"


@dataclass(frozen=True)
class Measured:
    """The clock to which the facts of the reports reach, and the moment at which the ledger was looked at."""

    as_of: datetime
    known_until: datetime


def measure_step(home: Home, clock: Clock) -> Measured:
    """Land how runs went, definitions, schedules and launches, and build the report models on them.

    Only what changed since the last time is landed. Raises ``ConfigurationError`` where nothing was built yet,
    ``BuildError`` where a report model or a test of it failed, ``HeldError`` while another build is going on.
    """
    ensure_schema_files(home)
    ensure_ledger(home)
    as_of = built_as_of(home)
    # A simulated clock may stand still between two reports; what is landed later must be the newer one all the same.
    landed_at = max(clock.now(), as_of, *(moment + TICK for moment in _last_landed(home)))
    campaigns = load_campaigns()
    settled = {(row["run_id"], row["campaign"]) for row in _landed(home, "muster.runs", f"not ({OPEN})")}
    known = {row["run_id"] for row in _landed(home, "muster.definitions")}
    for table, rows in (
        ("muster.runs", _news(home, "muster.runs", run_rows(home, settled))),
        ("muster.definitions", definition_rows(home, known)),
        ("muster.schedules", schedule_rows(campaigns)),
        ("muster.launches", launch_rows(campaigns)),
    ):
        if rows:
            land_table(home, table, _table(table, rows), landed_at)
    # Receipts of this very moment count.
    known_until = landed_at + timedelta(seconds=1)
    with home.lock("build", "building the warehouse"):
        measure(home, known_until, as_of)
    return Measured(as_of, known_until)


def built_as_of(home: Home) -> datetime:
    """The clock of the published warehouse, in UTC. Raises ``ConfigurationError`` where there is none."""
    try:
        with duckdb.connect(str(home.warehouse_file), read_only=True) as engine:
            found = engine.execute("select as_of from reports.rpt_build").fetchone()
    except duckdb.Error:
        found = None
    if found is None:
        raise ConfigurationError(
            f"{home.warehouse_file} is not built yet: `muster run` or `muster build` first"
        )
    moment: datetime = found[0]
    return moment.replace(tzinfo=UTC)


def _last_landed(home: Home) -> list[datetime]:
    moments = []
    for table in TABLES:
        with connect() as engine:
            found = engine.execute(f"select max({LOADED_AT}) from read_parquet(?)", [_files(home, table)])
            moments += [row[0].replace(tzinfo=UTC) for row in found.fetchall() if row[0] is not None]
    return moments


def _landed(home: Home, table: str, where: str = "true") -> list[Row]:
    """The rows of one of our tables as they were landed last."""
    entry = contract()[table]
    names, key = ", ".join(entry.column_names), ", ".join(entry.key)
    with connect() as engine:
        rows: list[Row] = engine.execute(
            f"select {names} from (select *, row_number() over (partition by {key} order by {LOADED_AT} desc) as rank "
            f"from read_parquet(?, union_by_name = true)) where rank = 1 and ({where})",
            [_files(home, table)],
        ).to_arrow_table().to_pylist()  # fmt: skip
    return rows


def _news(home: Home, table: str, rows: Sequence[Row]) -> list[Row]:
    """Those of the rows that are not as they were landed last."""
    landed = _landed(home, table)
    return [row for row in rows if row not in landed]


def _table(table: str, rows: Sequence[Row]) -> pa.Table:
    schema = arrow_schema(table)
    return pa.Table.from_pylist(list(rows), pa.schema([schema.field(name) for name in rows[0]]))


def _files(home: Home, table: str) -> str:
    return str(home.landing / contract()[table].folder / "*.parquet")
