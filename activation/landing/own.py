"""Landing what Muster itself knows: templates, scores."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from activation.clock import naive_utc
from activation.errors import LandingError
from activation.home import Home
from activation.landing.contract import (
    LOADED_AT,
    SCHEMA_FILE,
    SOURCE_FILE,
    arrow_schema,
    contract,
    write_parquet,
)
from activation.landing.job import compact


def land_table(home: Home, source_table: str, table: pa.Table, loaded_at: datetime) -> bool:
    """Land ``table`` as the newest content of ``source_table``; say whether it was new.

    Nothing is written where the newest landed file has the same rows. Columns that may be null can be left
    out. Raises ``LandingError`` where columns or types are not the contract's, ``HeldError`` while
    another process lands.
    """
    schema = arrow_schema(source_table)
    content = pa.schema([field for field in schema if field.name not in {LOADED_AT, SOURCE_FILE}])
    columns = contract()[source_table].columns
    missing = [c.name for c in columns if c.is_not_null and c.name not in table.column_names]
    unknown = sorted(set(table.column_names) - set(content.names))
    if missing or unknown:
        raise LandingError(f"{source_table}: missing columns {missing}, unknown columns {unknown}")
    rows = pa.table(
        [
            table.column(field.name).cast(field.type)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in content
        ],
        schema=content,
    ).sort_by([(name, "ascending") for name in content.names])
    with home.lock("landing", "landing files"):
        folder = home.landing / contract()[source_table].folder
        landed = sorted(file for file in folder.glob("*.parquet") if file.name != SCHEMA_FILE)
        if landed and _has(landed[-1], rows):
            return False
        stamp = pa.array([naive_utc(loaded_at)] * rows.num_rows, pa.timestamp("us"))
        whole = rows.append_column(LOADED_AT, stamp).append_column(
            SOURCE_FILE, pa.nulls(rows.num_rows, pa.string())
        )
        content_digest = hashlib.md5(usedforsecurity=False)
        for batch in rows.to_batches():
            content_digest.update(batch.serialize())
        digest = content_digest.hexdigest()[:12]
        write_parquet(folder / f"{compact(loaded_at)}-{digest}.parquet", whole)
    return True


def _has(file: Path, rows: pa.Table) -> bool:
    """Whether a landed file has these rows; one that was landed before a column was known has not."""
    landed = pq.read_table(file)
    names = rows.schema.names
    return set(names) <= set(landed.column_names) and bool(landed.select(names).equals(rows))
