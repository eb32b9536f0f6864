"""The content digest of a table: the same for the same rows, whatever file, order or engine they come from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from activation.frozen import connect

# Stamped on each row at the freeze; they say when and by which run, not what was decided.
STAMPS = frozenset({"run_id", "as_of", "known_at"})


def content_digest(pattern: str, condition: str = "true") -> tuple[int, str]:
    """Rows and SHA-256 over the sorted digests of the canonical rows of Parquet files, of those that meet a condition.

    A canonical row is its columns by name, each as text: times in UTC, null as one NUL character, joined by
    the unit separator.
    """
    engine = connect(Path(pattern).parent)
    try:
        engine.execute("set timezone = 'UTC'")
        described = engine.execute("describe select * from read_parquet(?)", [pattern]).fetchall()
        columns = sorted((name, kind) for name, kind, *_ in described if name not in STAMPS)
        canonical = ", ".join(
            f"coalesce(cast({_plain(name, kind)} as varchar), chr(0))" for name, kind in columns
        )
        batches = engine.execute(
            f"select md5(concat_ws(chr(31), {canonical})) as row_digest from read_parquet(?) where {condition} "
            "order by 1",
            [pattern],
        ).to_arrow_reader(100_000)
        total, digest = 0, hashlib.sha256()
        for batch in batches:
            total += batch.num_rows
            digest.update("".join(batch.column(0).to_pylist()).encode())
        return total, digest.hexdigest()
    finally:
        engine.close()


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes: it detects damage, not a change of content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"timezone('UTC', {quoted})" if kind == "TIMESTAMP WITH TIME ZONE" else quoted
