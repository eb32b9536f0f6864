"""The report tables as files for any BI tool: Parquet, and one DuckDB file that is read and never written.

Only the schema ``reports`` leaves the warehouse, and no column of it names a person. In the DuckDB file the tables are
in the default schema; as the file is called ``reports``, a query names them as in the warehouse, ``reports.rpt_build``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from activation.errors import ConfigurationError
from activation.home import Home, fsync_directory, replacing

SCHEMA = "reports"
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@dataclass(frozen=True)
class Exported:
    """Where the export is: ``database`` has all ``tables``, ``parquet`` one file for each of them."""

    database: Path
    parquet: Path
    tables: tuple[str, ...]


def reports_folder(home: Home) -> Path:
    """Where the page and the export of a home are."""
    return home.path / "reports"


def export_reports(home: Home) -> Exported:
    """Write every report table of the published warehouse; each file is whole or not at all.

    Files of tables that are no more are removed. Raises ``ConfigurationError`` where there is no warehouse.
    """
    if not home.warehouse_file.exists():
        raise ConfigurationError(
            f"{home.warehouse_file} is not built yet: `muster run` or `muster build` first"
        )
    folder = reports_folder(home)
    parquet, database = folder / "parquet", folder / "reports.duckdb"
    parquet.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(database) as file:
        file.unlink()  # DuckDB makes its own; an empty one it refuses
        with duckdb.connect(str(file), config=OFFLINE) as engine:
            tables = _copy(engine, home.warehouse_file)
            for table in tables:
                with replacing(parquet / f"{table}.parquet") as part:
                    engine.execute(f"copy {table} to '{_quoted(part)}' (format parquet, compression zstd)")
        file.chmod(0o600)
    for old in parquet.glob("*.parquet"):
        if old.stem not in tables:
            old.unlink()
    fsync_directory(parquet)
    return Exported(database, parquet, tables)


def _copy(engine: duckdb.DuckDBPyConnection, warehouse: Path) -> tuple[str, ...]:
    """Copy the tables under their own names. The alias is the file's stem, by which views name what they read."""
    engine.execute(f"attach '{_quoted(warehouse)}' as {warehouse.stem} (read_only)")
    tables = tuple(
        row[0]
        for row in engine.execute(
            "select table_name from information_schema.tables where table_catalog = ? and table_schema = ? "
            "order by table_name",
            [warehouse.stem, SCHEMA],
        ).fetchall()
    )
    for table in tables:
        engine.execute(
            f"create table {table} as select * from {warehouse.stem}.{SCHEMA}.{table} order by all"
        )
    engine.execute(f"detach {warehouse.stem}")
    return tables


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
