"""The landing contract of ``contract.yml`` as data, and the zero-row files that carry its types."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from activation.errors import ConfigurationError
from activation.home import Home, fsync_directory

LOADED_AT = "_loaded_at"
SOURCE_FILE = "_source_file"
# No leading underscore: Spark passes over files that begin with one.
SCHEMA_FILE = "schema.parquet"
OWN_SOURCE = "muster"

# DuckDB's name and Arrow's for each type of the contract. Both write the same Parquet type.
SQL_TYPES = {
    "string": "varchar",
    "bigint": "bigint",
    "int": "integer",
    "decimal": "decimal(18, 4)",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "decimal": pa.decimal128(18, 4),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}


@dataclass(frozen=True)
class Column:
    """One column of an input file.

    ``allowed`` is empty where any value will do. ``is_composed``: accents are joined to their letters (Unicode
    NFC). ``is_open_end``: a moment of a distant year means that there is no end yet.
    """

    name: str
    type: str
    is_required: bool
    is_not_null: bool
    allowed: tuple[str, ...] = ()
    default: str | None = None
    is_composed: bool = False
    is_open_end: bool = False

    @property
    def sql_type(self) -> str:
        """DuckDB's name of the type."""
        return SQL_TYPES[self.type]


class OnErasure(StrEnum):
    """What becomes of the rows of a person who is erased."""

    REMOVE = "remove"
    PSEUDONYMISE = "pseudonymise"
    KEEP = "keep"


@dataclass(frozen=True)
class Retention:
    """How long a row is held: ``keep_days`` from the moment in the column ``by`` on; ``None``: age removes nothing.

    Rows whose column has one of its ``always`` values stay. ``because`` is the reason, in words.
    """

    because: str
    keep_days: int | None = None
    by: str | None = None
    always: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Table:
    """One table of the landing zone. ``normalised`` maps a computed column to the column it comes from."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    any_of: tuple[str, ...]
    normalised: tuple[tuple[str, str], ...]
    retention: Retention
    on_erasure: OnErasure

    @property
    def source(self) -> str:
        """The part before the dot."""
        return self.name.split(".")[0]

    @property
    def folder(self) -> Path:
        """Where its files lie below ``inbox/``, ``landing/`` and ``quarantine/``."""
        return Path(*self.name.split("."))

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that an input file may have, in order."""
        return tuple(column.name for column in self.columns)


@cache
def contract() -> dict[str, Table]:
    """Every table by its name, as in ``crm.profiles``."""
    text = Path(__file__).with_name("contract.yml").read_text(encoding="utf-8")
    return {name: _table(name, entry) for name, entry in yaml.safe_load(text).items()}


def _table(name: str, entry: dict[str, Any]) -> Table:
    columns = tuple(_column(column, declared) for column, declared in entry["columns"].items())
    names = {column.name for column in columns}
    normalised = tuple(entry.get("normalised", {}).items())
    used = {*entry["key"], *entry.get("any_of", ()), *(origin for _, origin in normalised)}
    if not used <= names:
        raise ConfigurationError(f"contract.yml, {name}: no such column: {', '.join(sorted(used - names))}")
    return Table(
        name=name,
        row=entry["row"],
        key=tuple(entry["key"]),
        columns=columns,
        any_of=tuple(entry.get("any_of", ())),
        normalised=normalised,
        retention=_retention(name, entry.get("retention", {}), {*names, LOADED_AT}),
        on_erasure=OnErasure(entry.get("on_erasure", OnErasure.REMOVE)),
    )


def _retention(name: str, declared: dict[str, Any], columns: set[str]) -> Retention:
    always = tuple((column, tuple(values)) for column, values in declared.get("always", {}).items())
    retention = Retention(
        str(declared.get("because", "")), declared.get("keep_days"), declared.get("by"), always
    )
    used = {column for column, _ in always} | ({retention.by} if retention.by else set())
    if (
        not retention.because
        or not used <= columns
        or (retention.keep_days is None) != (retention.by is None)
    ):
        raise ConfigurationError(
            f"contract.yml, {name}: retention says `because`, and `keep_days` with `by`, a column of the table"
        )
    return retention


def _column(name: str, declared: str | dict[str, Any]) -> Column:
    entry = {"type": declared} if isinstance(declared, str) else declared
    kind, _, rule = str(entry["type"]).partition(" ")
    if kind not in SQL_TYPES or rule not in {"", "required", "not null"}:
        raise ConfigurationError(f"contract.yml, column {name}: {entry['type']!r} is no type and rule")
    unknown = set(entry) - {"type", "allowed", "default", "unicode", "open_end"}
    if unknown or entry.get("unicode", "nfc") != "nfc":
        raise ConfigurationError(f"contract.yml, column {name}: does not know {entry}")
    is_not_null = rule == "not null"
    default = entry.get("default")
    return Column(
        name=name,
        type=kind,
        is_required=bool(rule) and default is None,
        is_not_null=is_not_null,
        allowed=tuple(entry.get("allowed", ())),
        default=default,
        is_composed="unicode" in entry,
        is_open_end=bool(entry.get("open_end")),
    )


def arrow_schema(table: str | Table) -> pa.Schema:
    """Give the exact schema of a landed file: the contract's columns, the normalised ones, then our two."""
    entry = contract()[table] if isinstance(table, str) else table
    fields = [pa.field(column.name, ARROW_TYPES[column.type]) for column in entry.columns]
    fields += [pa.field(name, pa.string()) for name, _ in entry.normalised]
    return pa.schema([*fields, pa.field(LOADED_AT, pa.timestamp("us")), pa.field(SOURCE_FILE, pa.string())])


def ensure_schema_files(home: Home) -> None:
    """Write ``landing/<source>/<table>/schema.parquet`` without rows for every table.

    So a table that nobody has loaded is an empty one, and a glob over its folder always finds a file.
    A file with other columns than the contract's is replaced.
    """
    for table in contract().values():
        file = home.landing / table.folder / SCHEMA_FILE
        schema = arrow_schema(table)
        if not _has_schema(file, schema):
            write_parquet(file, schema.empty_table())


def _has_schema(file: Path, schema: pa.Schema) -> bool:
    try:
        return bool(pq.read_schema(file).equals(schema))
    except (OSError, pa.ArrowInvalid):
        return False


def write_parquet(file: Path, table: pa.Table) -> None:
    """Write a zstd Parquet file, mode 0600, that is either wholly there, on disk, or not at all."""
    temporary = temporary_name(file)
    pq.write_table(table, temporary, compression="zstd")
    publish(temporary, file)


def temporary_name(file: Path) -> Path:
    """Make an empty private file beside ``file`` to write into before :func:`publish`."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    return temporary


def publish(temporary: Path, file: Path) -> None:
    """Bring a written file to disk and give it its name at once."""
    temporary.chmod(0o600)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(file)
    fsync_directory(file.parent)
