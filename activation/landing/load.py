"""From ``inbox/`` to ``landing/``: the one way in. Good rows land, bad rows are set aside with a reason."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from activation.clock import naive_utc
from activation.errors import DamagedFileError, LandingError
from activation.home import Home, World
from activation.landing.check import check
from activation.landing.contract import (
    LOADED_AT,
    OWN_SOURCE,
    SCHEMA_FILE,
    Table,
    contract,
    ensure_schema_files,
)
from activation.landing.damaged import open_damaged
from activation.landing.job import Job, digest_of, identity_of, record
from activation.landing.report import FileReport, LoadReport
from activation.landing.rows import land_rows
from activation.landing.source import SUFFIXES, Source, connect, open_source

INSTANT = timedelta(microseconds=1)
PRINTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,62}")


def land(
    home: Home,
    loaded_at: datetime,
    as_of: datetime | None = None,
    known_tables: Mapping[str, Table] | None = None,
) -> LoadReport:
    """Land every file of the inbox; ``loaded_at`` is the time of this load.

    Rows become known at ``loaded_at``; or, for files that were there before ``as_of`` (in a rehearsal
    home: all), just before ``as_of``; or, on a table's first load, at the ``_loaded_at`` that each row states
    (in a live home never later than ``loaded_at``).
    A file of the same bytes lands once. Raises ``HeldError`` while another process lands.
    """
    tables = contract() if known_tables is None else known_tables
    reports: list[FileReport] = []
    problems: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(home.lock("landing", "landing files"))
        ensure_schema_files(home)
        spill = home.landing / ".spill"
        stack.callback(shutil.rmtree, spill, ignore_errors=True)
        first = {name for name, table in tables.items() if not _has_rows(home, table)}
        for table, file in _inbox(home, tables, problems):
            before = as_of is not None and (
                home.world is World.REHEARSAL or file.stat().st_mtime < as_of.timestamp()
            )
            job = Job(
                identity=identity_of(file),
                table=table,
                file=file,
                digest=digest_of(file),
                loaded_at=loaded_at,
                stamp=as_of - INSTANT if as_of is not None and before else loaded_at,
                is_first=table.name in first,
            )
            reports.append(_land_file(home, job, spill, problems))
    return LoadReport(tuple(reports), tuple(problems))


def _inbox(home: Home, tables: Mapping[str, Table], problems: list[str]) -> Iterator[tuple[Table, Path]]:
    for file in sorted(home.inbox.rglob("*")):
        folder = file.parent.relative_to(home.inbox)
        is_hidden = any(part.startswith(".") for part in (*folder.parts, file.name))
        if is_hidden or file.suffix == ".tmp" or not file.is_file():
            continue
        name = ".".join(folder.parts)
        if name not in tables or tables[name].source == OWN_SOURCE:
            near = get_close_matches(name, tables, 1)
            hint = f"; did you mean inbox/{near[0].replace('.', '/')}?" if near else ""
            problem = (
                f"inbox/{folder}: no such table in the landing contract, {file.name} was left there{hint}"
            )
            problems.append(problem)
        elif file.suffix.lower() not in SUFFIXES:
            problems.append(
                f"{folder}/{file.name}: is none of {', '.join(SUFFIXES)}, it was left in the inbox"
            )
        else:
            yield tables[name], file


def _has_rows(home: Home, table: Table) -> bool:
    files = (home.landing / table.folder).glob("*.parquet")
    return any(pq.read_metadata(file).num_rows > 0 for file in files if file.name != SCHEMA_FILE)


def _land_file(home: Home, job: Job, spill: Path, problems: list[str]) -> FileReport:
    if list((home.landing / job.table.folder).glob(f"*-{job.digest}.parquet")):
        job.file.unlink()
        return FileReport(job.table.name, job.file.name, is_already_landed=True)
    try:
        try:
            report, found = _land_from(open_source, home, job, spill)
        except DamagedFileError:
            if job.file.suffix.lower() != ".parquet":
                raise
            report, found = _land_from(open_damaged, home, job, spill)
    except LandingError as error:
        return _set_aside(home, job, str(error), problems)
    problems += found
    if not job.is_replaced:
        job.file.unlink()
    return report


def _land_from(
    opener: Callable[[duckdb.DuckDBPyConnection, Path], Source], home: Home, job: Job, spill: Path
) -> tuple[FileReport, list[str]]:
    stamp, limit = (_timestamp(moment) for moment in (job.stamp, job.loaded_at))
    with connect(spill) as connection:
        source = opener(connection, job.file)
        _require_columns(job.table, source)
        source, unknown, problems = _without_unknown(job, source)
        checked = check(job.table, source, stamp, limit if home.world is World.LIVE else None)
        report = land_rows(connection, home, job, checked, unknown)
    if report.quarantined:
        worst = max(report.reasons, key=lambda reason: report.reasons[reason])
        problems.append(
            f"{job.place}: {report.quarantined:,} of {report.read:,} rows were set aside in quarantine/"
            f"{job.table.folder}/{job.landed_name}, the first at {source.unit} {report.first_bad_row}; "
            f"most often {worst} ({report.reasons[worst]:,})"
        )
    return report, problems


def _require_columns(table: Table, source: Source) -> None:
    missing = [
        column.name for column in table.columns if column.is_required and column.name not in source.columns
    ]
    if missing:
        near = _closest(missing[0], set(source.columns) - set(table.column_names))
        hint = f"; did you mean its column {near}?" if near and PRINTABLE.fullmatch(near) else ""
        raise LandingError(f"has no column {', '.join(missing)}{hint}")


def _closest(name: str, others: Iterable[str]) -> str | None:
    words = set(name.split("_"))  # phone_number is more like phone than like loyalty_number
    listed = sorted(others)
    contained = [
        other for other in listed if words <= set(other.split("_")) or words >= set(other.split("_"))
    ]
    near = get_close_matches(name, contained, 1, cutoff=0) or get_close_matches(name, listed, 1, cutoff=0.55)
    return near[0] if near else None


def _without_unknown(job: Job, source: Source) -> tuple[Source, tuple[str, ...], list[str]]:
    problems = []
    known = {*job.table.column_names, LOADED_AT}
    others = sorted(set(source.columns) - known)
    unknown = tuple(name for name in others if PRINTABLE.fullmatch(name))
    absent = set(job.table.column_names) - set(source.columns)
    for name in unknown:
        near = _closest(name, absent)
        if near:
            problems.append(f"{job.place}: column {name} is not in the contract; did you mean {near}?")
    columns = {name: column for name, column in source.columns.items() if name in known}
    if LOADED_AT in columns and not job.is_first:
        del columns[LOADED_AT]
        problems.append(
            f"{job.place}: only the first load of a table may state {LOADED_AT}; "
            f"its rows count as known from {naive_utc(job.stamp):%Y-%m-%d %H:%M:%S} UTC"
        )
    return replace(source, columns=columns), unknown, problems


def _set_aside(home: Home, job: Job, reason: str, problems: list[str]) -> FileReport:
    folder = home.quarantine / job.table.folder / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{job.digest}-{job.file.name}"
    report = FileReport(job.table.name, job.file.name, is_set_aside=True)
    record(home, job, report, reason)
    job.file.replace(target)
    problems.append(
        f"{job.place}: {reason}; nothing of it landed, the file is {target.relative_to(home.path)} now"
    )
    return report


def _timestamp(moment: datetime) -> str:
    return f"timestamp '{naive_utc(moment).isoformat(sep=' ')}'"
