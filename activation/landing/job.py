"""One file on its way through landing, and the row of ``muster.loads`` that says what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from activation.clock import naive_utc
from activation.home import Home
from activation.landing.contract import LOADED_AT, SOURCE_FILE, Table, arrow_schema, contract, write_parquet
from activation.landing.report import FileReport


@dataclass(frozen=True)
class Job:
    """One file to land.

    ``stamp`` is when its rows become known, ``digest`` is of its bytes, ``identity`` tells it from another
    file that takes its name meanwhile.
    """

    table: Table
    file: Path
    digest: str
    loaded_at: datetime
    stamp: datetime
    is_first: bool
    identity: tuple[int, int, int]

    @property
    def place(self) -> str:
        """For a sentence: the file as a person finds it below ``inbox/``."""
        return f"{self.table.folder}/{self.file.name}"

    @property
    def is_replaced(self) -> bool:
        """Whether another file took its name since."""
        return identity_of(self.file) != self.identity

    @property
    def landed_name(self) -> str:
        """The file's name in the landing zone and in quarantine."""
        return f"{compact(self.loaded_at)}-{self.digest}.parquet"


def compact(moment: datetime) -> str:
    """Write a moment so that names sort by it."""
    return naive_utc(moment).strftime("%Y%m%dT%H%M%S%fZ")


def identity_of(file: Path) -> tuple[int, int, int]:
    """Give what changes when a file is replaced or written to."""
    stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def digest_of(file: Path) -> str:
    """Give the first 12 hex digits of the MD5 of a file: a name for its content, not a safeguard."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()[:12]


def record(home: Home, job: Job, report: FileReport, reason: str | None) -> None:
    """Land the row of ``muster.loads`` that says what became of the file."""
    table = contract()["muster.loads"]
    key = f"{job.table.name}/{job.file.name}/{job.digest}".encode()
    digest = hashlib.md5(key, usedforsecurity=False).hexdigest()[:12]
    row = {
        "file": job.file.name,
        "source_table": job.table.name,
        "rows_read": report.read,
        "rows_landed": report.landed,
        "rows_quarantined": report.quarantined,
        "rows_erased": report.erased,
        "first_bad_row": report.first_bad_row,
        "reason": reason or "; ".join(report.reasons) or None,
        LOADED_AT: naive_utc(job.stamp),
        SOURCE_FILE: job.file.name,
    }
    folder = home.landing / table.folder
    forget(folder, digest)
    name = f"{compact(job.loaded_at)}-{digest}.parquet"
    write_parquet(folder / name, pa.Table.from_pylist([row], arrow_schema(table)))


def forget(folder: Path, digest: str) -> None:
    """Remove what an attempt that did not come to its end left behind."""
    for file in folder.glob(f"*-{digest}.parquet"):
        file.unlink()
