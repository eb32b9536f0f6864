"""A frozen run as delivery reads it: two sorted Parquet files and the manifest beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from activation.clock import parse_moment
from activation.errors import ConfigurationError, JournalUnsafeError
from activation.home import Home


class Kind(StrEnum):
    """Which outbox a row is from."""

    MESSAGE = "message"
    MEMBERSHIP = "membership"


OUTBOXES = {
    Kind.MESSAGE: "select * from read_parquet($file)",
    Kind.MEMBERSHIP: """
        select * from read_parquet($file)
        union all by name select null::varchar as external_id where false""",
}


@dataclass(frozen=True)
class FrozenRun:
    """One run's decisions, never changed after the freeze.

    ``digest`` is the content digest of the manifest: sorted canonical rows, not file bytes.
    """

    run_id: str
    as_of: datetime
    digest: str
    directory: Path

    def file(self, kind: Kind) -> Path:
        """The outbox of one kind: sorted by ``position``, which counts from 0 within the file."""
        return self.directory / f"outbox_{kind.value}s.parquet"


@dataclass(frozen=True)
class Manifest:
    """What else a manifest says: the campaigns asked for, those held and why, tables, and what had landed by then."""

    campaigns: tuple[str, ...]
    held: Mapping[str, str]
    tables: Mapping[str, Mapping[str, Any]]
    landing: tuple[str, ...]


def read_manifest(run: FrozenRun) -> Manifest:
    """Read the manifest of a frozen run. Raises ``ConfigurationError`` where it is damaged."""
    file = run.directory / "manifest.json"
    try:
        text = json.loads(file.read_text())
        inputs = text.get("inputs", {}).get("landing", [])
        manifest = Manifest(
            tuple(text.get("campaigns", [])),
            dict(text.get("held", {})),
            {name: dict(table) for name, table in text.get("tables", {}).items()},
            tuple(inputs),
        )
    except (OSError, ValueError, TypeError, AttributeError):
        raise _damaged(file) from None
    named = (*manifest.campaigns, *manifest.held, *manifest.held.values(), *manifest.landing)
    if isinstance(inputs, str) or not all(isinstance(name, str) for name in named):
        raise _damaged(file)
    return manifest


def _damaged(file: Path) -> ConfigurationError:
    return ConfigurationError(f"{file} is damaged: restore the run's directory from a backup")


def read_frozen(home: Home, run_id: str) -> FrozenRun:
    """Open what the freeze of ``run_id`` left. Raises ``ConfigurationError`` where it is not whole."""
    directory = home.run_directory(run_id) / "frozen"
    file = directory / "manifest.json"
    try:
        manifest = json.loads(file.read_text())
        run = FrozenRun(
            str(manifest["run_id"]), parse_moment(manifest["as_of"]), str(manifest["digest"]), directory
        )
    except FileNotFoundError:
        raise ConfigurationError(
            f"run {run_id} is not frozen ({file} is missing): plan it first, or check the run id"
        ) from None
    except (ValueError, KeyError, TypeError, ConfigurationError):
        raise _damaged(file) from None
    if run.run_id != run_id:
        raise ConfigurationError(f"{file} belongs to another run than its directory says: restore it")
    return run


def connect(*directories: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that never reaches for the network.

    With ``directories`` it reads and writes files below them alone, whatever a statement says, and no statement
    can change that.
    """
    engine = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    if directories:
        allowed = ", ".join("'" + str(each.resolve()).replace("'", "''") + "/'" for each in directories)
        engine.execute(f"set allowed_directories = [{allowed}]")
        engine.execute("set enable_external_access = false")
    return engine


def outbox(kind: Kind) -> str:
    """Write the SQL relation of the outbox in ``$file``; what a run of an earlier version lacks is null."""
    return f"({OUTBOXES[kind]})"


def read_parts(
    engine: duckdb.DuckDBPyConnection,
    run: FrozenRun,
    kind: Kind,
    parts: Sequence[tuple[int, int]],
    columns: str,
) -> pa.Table:
    """The frozen rows at positions (ascending ranges, both ends included), in that order; ``columns`` is a select list.

    Raises ``JournalUnsafeError`` where the file does not hold exactly one row for each of them: then the
    journal and the frozen run tell different stories, and neither may be acted on.
    """
    first, last = parts[0][0], parts[-1][1]
    wanted = np.concatenate([np.arange(start, end + 1) for start, end in parts])
    among = ""
    if last - first + 1 != len(wanted):
        engine.register("wanted", pa.table({"position": pa.array(wanted)}))
        among = "and position in (select position from wanted)"
    try:
        rows = engine.execute(
            f"select {columns} from {outbox(kind)} "
            f"where position between $first and $last {among} order by position",
            {"file": str(run.file(kind)), "first": first, "last": last},
        ).to_arrow_table()
    except duckdb.Error as error:
        raise unreadable(run, kind, error) from None
    if not np.array_equal(rows["position"].to_numpy(), wanted):
        raise JournalUnsafeError(
            f"{run.file(kind)} does not hold the rows that the journal planned from it: "
            f"restore the frozen run from a backup; until then nothing of it may be sent"
        )
    return rows


def unreadable(run: FrozenRun, kind: Kind, error: Exception) -> ConfigurationError:
    """What to raise where DuckDB cannot read an outbox; the cause is named by its class alone."""
    return ConfigurationError(
        f"{run.file(kind)} cannot be read ({type(error).__name__}): restore the frozen run from a backup"
    )
