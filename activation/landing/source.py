"""One inbox file as a relation: row number, fault, the row as JSON, and an expression for each column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.errors import LandingError
from activation.landing import text

SUFFIXES = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True)
class Source:
    """A file that DuckDB can read.

    ``columns`` maps a column's name, in lower case, to its SQL expression and its DuckDB type. ``row``,
    ``fault`` (a code of ``text.FAULTS``) and ``raw`` are SQL expressions over ``relation``; ``unit`` is
    what ``row`` counts.
    """

    relation: str
    columns: Mapping[str, tuple[str, str]]
    row: str
    fault: str
    raw: str
    unit: str


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB in UTC that needs no extension and spills to ``spill`` alone."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": "700MB",
            "temp_directory": str(spill),
            "threads": "2",
        }
    )
    connection.execute("set timezone = 'UTC'")
    return connection


def open_source(connection: duckdb.DuckDBPyConnection, file: Path) -> Source:
    """Make ``file`` readable. Raises ``LandingError`` with the rest of a sentence about the file."""
    try:
        match file.suffix.lower():
            case ".parquet":
                return _parquet(connection, file)
            case ".csv":
                return _csv(connection, file)
            case _:
                return _jsonl(connection, file)
    except duckdb.Error:
        kind = file.suffix[1:].upper()
        raise LandingError(f"cannot be read as {kind}; write it again and drop it once more") from None


def quoted(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def unique(names: Iterable[str]) -> list[str]:
    """Give column names in lower case. Raises ``LandingError`` where two are the same."""
    listed = [name.strip().lower() for name in names]
    if len(set(listed)) < len(listed):
        raise LandingError("has two columns of the same name")
    return listed


def _parquet(connection: duckdb.DuckDBPyConnection, file: Path) -> Source:
    path = re.sub(r"([\[*?])", r"[\1]", str(file))  # DuckDB takes a path for a pattern
    relation = f"read_parquet({literal(path)}, file_row_number = true)"
    described = [
        (str(name), str(kind))
        for name, kind, *_ in connection.execute(f"describe select * from {relation}").fetchall()
        if name != "file_row_number"
    ]
    names = unique(name for name, _ in described)
    fields = ", ".join(f"{literal(name)}: {quoted(name)}" for name, _ in described)
    return Source(
        relation=relation,
        columns={key: (quoted(name), kind) for key, (name, kind) in zip(names, described, strict=True)},
        row="file_row_number + 1",
        fault="0",
        raw=f"to_json({{{fields}}})",
        unit="row",
    )


def _csv(connection: duckdb.DuckDBPyConnection, file: Path) -> Source:
    header, records = text.read_csv(file)
    names = unique(header)
    slots = [f"c{index}" for index in range(len(names))]
    declared = "".join(f", {slot} varchar" for slot in slots)
    connection.execute(f"create or replace table lines (row bigint, fault int, body varchar{declared})")
    blank = [""] * len(names)
    schema = pa.schema([("row", pa.int64()), ("fault", pa.int32()), ("body", pa.string())])
    for slot in slots:
        schema = schema.append(pa.field(slot, pa.string()))
    while batch := list(islice(records, text.BATCH)):
        values = zip(*(record.values or blank for record in batch), strict=True)
        arrays = [
            [record.line for record in batch],
            [record.fault for record in batch],
            [record.text for record in batch],
            *values,
        ]
        columns = [pa.array(array, field.type) for array, field in zip(arrays, schema, strict=True)]
        append(connection, pa.Table.from_arrays(columns, schema=schema))
    fields = ", ".join(f"{literal(name)}: {slot}" for name, slot in zip(names, slots, strict=True))
    return Source(
        relation="lines",
        columns={name: (slot, "VARCHAR") for name, slot in zip(names, slots, strict=True)},
        row='"row"',
        fault="fault",
        raw=f"case when fault = 0 then to_json({{{fields}}}) else to_json(body) end",
        unit="line",
    )


def _jsonl(connection: duckdb.DuckDBPyConnection, file: Path) -> Source:
    connection.execute("create or replace table lines (row bigint, fault int, body varchar)")
    records = text.read_lines(file)
    while batch := list(islice(records, text.BATCH)):
        table = pa.table(
            {
                "row": pa.array([record.line for record in batch], pa.int64()),
                "fault": pa.array([record.fault for record in batch], pa.int32()),
                "body": pa.array([record.text for record in batch], pa.string()),
            }
        )
        append(connection, table)
    connection.execute(
        f"update lines set fault = {text.NOT_JSON} where fault = 0 "
        "and coalesce(case when json_valid(body) then json_type(body) end, '') <> 'OBJECT'"
    )
    found = connection.execute(
        "select distinct unnest(json_keys(body)) as name from lines where fault = 0 order by name"
    ).fetchall()
    spellings: dict[str, list[str]] = {}  # a key that one line writes in another case is the same column
    for (key,) in found:
        pointer = "/" + str(key).replace("~", "~0").replace("/", "~1")
        spellings.setdefault(str(key).strip().lower(), []).append(
            f"json_extract_string(body, {literal(pointer)})"
        )
    return Source(
        relation="lines",
        columns={
            name: (f"case when fault = 0 then coalesce({', '.join(values)}) end", "VARCHAR")
            for name, values in spellings.items()
        },
        row='"row"',
        fault="fault",
        raw="case when fault = 0 then body else to_json(body) end",
        unit="line",
    )


def append(connection: duckdb.DuckDBPyConnection, batch: pa.Table) -> None:
    """Add rows to the table ``lines``."""
    connection.register("batch", batch)
    connection.execute("insert into lines select * from batch")
    connection.unregister("batch")
