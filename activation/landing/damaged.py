"""A Parquet file whose texts are not all UTF-8, read so that a bad text costs its own row and no other.

The engine gives up on such a file as a whole, so it is read here by Arrow, which does not look.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.errors import DamagedFileError
from activation.landing.source import Source, append, literal, quoted, unique
from activation.landing.text import BATCH, NOT_UTF8

ROW, FAULT = "_row", "_fault"


def open_damaged(connection: duckdb.DuckDBPyConnection, file: Path) -> Source:
    """Copy a Parquet file into the table ``lines``; a row that holds a text which is not UTF-8 gets a fault.

    Nested columns are left out. Raises ``DamagedFileError`` where more than texts is damaged.
    """
    try:
        content = pq.ParquetFile(file)
        flat = [field.name for field in content.schema_arrow if not pa.types.is_nested(field.type)]
        first = 1
        for batch in content.iter_batches(BATCH, columns=flat):
            mended = _mend(batch, first)
            if first == 1:
                connection.register("batch", mended)
                connection.execute("create table lines as select * from batch limit 0")
            append(connection, mended)
            first += batch.num_rows
        kinds = {str(name): str(kind) for name, kind, *_ in connection.execute("describe lines").fetchall()}
    except (pa.ArrowException, OSError, duckdb.Error):
        raise DamagedFileError("has damaged content; write it again and drop it once more") from None
    fields = ", ".join(f"{literal(name)}: {quoted(name)}" for name in flat)
    columns = [(quoted(name), kinds[name]) for name in flat]
    return Source(
        relation="lines",
        columns=dict(zip(unique(flat), columns, strict=True)),
        row=quoted(ROW),
        fault=quoted(FAULT),
        raw=f"to_json({{{fields}}})",
        unit="row",
    )


def _mend(batch: pa.RecordBatch, first: int) -> pa.Table:
    """Escape the bytes that are not UTF-8, and number the rows from ``first``, with a fault where there were any."""
    damaged: set[int] = set()
    columns = [_mended(column, damaged) for column in batch.columns]
    rows = range(batch.num_rows)
    faults = pa.array([NOT_UTF8 if row in damaged else 0 for row in rows], pa.int32())
    numbers = pa.array([first + row for row in rows], pa.int64())
    return pa.Table.from_arrays([*columns, numbers, faults], names=[*batch.schema.names, ROW, FAULT])


def _mended(column: pa.Array, damaged: set[int]) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    as_bytes = column.cast(pa.large_binary())
    try:
        return as_bytes.cast(pa.large_string())  # checks that it is UTF-8
    except pa.ArrowInvalid:
        texts = [
            None if value is None else value.decode("utf-8", "backslashreplace")
            for value in as_bytes.to_pylist()
        ]
        encoded = pa.array(texts, pa.large_string()).cast(pa.large_binary())
        unequal = pc.not_equal(encoded, as_bytes).to_pylist()
        damaged.update(row for row, is_unequal in enumerate(unequal) if is_unequal)
        return encoded.cast(pa.large_string())
