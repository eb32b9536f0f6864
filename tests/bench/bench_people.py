"""Fill a rehearsal home's landing zone with any number of invented people; see ``bench_people.sql``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.clock import naive_utc
from activation.content import load_templates, templates_table
from activation.frozen import connect
from activation.home import Home, World, open_home
from activation.landing.contract import arrow_schema, contract, ensure_schema_files
from activation.landing.own import land_table
from activation.ledger import ensure_ledger

AS_OF = datetime(2026, 3, 30, 14, tzinfo=UTC)
SQL = Path(__file__).with_name("bench_people.sql")


def fill_home(path: Path, people: int) -> None:
    """Make a home with everything landed that the build reads, straight into its landing zone."""
    home = open_home(path, create=World.REHEARSAL)
    ensure_schema_files(home)
    ensure_ledger(home)
    land_table(home, "muster.templates", templates_table(load_templates()), AS_OF - timedelta(days=30))
    with connect() as engine:
        engine.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        engine.execute("set variable people = cast(? as bigint)", [people])
        engine.execute("set variable as_of = cast(? as timestamp)", [naive_utc(AS_OF)])
        engine.execute(SQL.read_text(encoding="utf-8"))
        views = engine.execute(
            "select view_name from duckdb_views() where not internal order by all"
        ).fetchall()
        for (name,) in views:
            _land(engine, home, str(name))


def _land(engine: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
    """Write one table with exactly the columns and types of the landing contract."""
    given = {row[0] for row in engine.execute(f'describe "{name}"').fetchall()}
    schema: pa.Schema = arrow_schema(name)
    if not given <= set(schema.names):
        raise ValueError(f"{name} has no column {', '.join(sorted(given - set(schema.names)))}")
    types = {column.name: column.sql_type for column in contract()[name].columns}
    columns = ", ".join(
        f"cast({column if column in given else 'null'} as {types.get(column, _type(column))}) as {column}"
        for column in schema.names
    )
    file = home.landing / contract()[name].folder / "bench.parquet"
    engine.execute(f"copy (select {columns} from \"{name}\") to '{file}' (format parquet, compression zstd)")


def _type(column: str) -> str:
    """The type of a column that landing adds to the contract's own."""
    return "timestamp" if column == "_loaded_at" else "varchar"
