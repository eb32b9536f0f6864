"""From ``inbox/`` to ``landing/``: the one way in. Good rows land, bad rows are set aside with a reason."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from activation.clock import naive_utc
from activation.errors import LandingError
from activation.home import Home, World
from activation.landing.check import Checked, check
from activation.landing.contract import (
    LOADED_AT,
    OWN_SOURCE,
    SCHEMA_FILE,
    SOURCE_FILE,
    Table,
    arrow_schema,
    contract,
    ensure_schema_files,
    publish,
    temporary_name,
    write_parquet,
)
from activation.landing.normalise import email_sql, register_phones
from activation.landing.report import FileReport, LoadReport
from activation.landing.source import SUFFIXES, Source, connect, literal, open_source, quoted

INSTANT = timedelta(microseconds=1)
PRINTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,62}")


@dataclass(frozen=True)
class Job:
    """One file to land. ``stamp`` is when its rows become known; ``digest`` is of its bytes."""

    table: Table
    file: Path
    digest: str
    loaded_at: datetime
    stamp: datetime
    is_first: bool

    @property
    def place(self) -> str:
        """For a sentence: the file as a person finds it below ``inbox/``."""
        return f"{self.table.folder}/{self.file.name}"

    @property
    def landed_name(self) -> str:
        """The file's name in the landing zone and in quarantine."""
        return f"{compact(self.loaded_at)}-{self.digest}.parquet"


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
                table=table,
                file=file,
                digest=_digest(file),
                loaded_at=loaded_at,
                stamp=as_of - INSTANT if as_of is not None and before else loaded_at,
                is_first=table.name in first,
            )
            reports.append(_land_file(home, job, spill, problems))
    return LoadReport(tuple(reports), tuple(problems))


def compact(moment: datetime) -> str:
    """Write a moment so that names sort by it."""
    return naive_utc(moment).strftime("%Y%m%dT%H%M%S%fZ")


def _inbox(home: Home, tables: Mapping[str, Table], problems: list[str]) -> Iterator[tuple[Table, Path]]:
    for file in sorted(home.inbox.rglob("*")):
        if not file.is_file() or file.name.startswith(".") or file.suffix == ".tmp":
            continue
        folder = file.parent.relative_to(home.inbox)
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


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()[:12]


def _land_file(home: Home, job: Job, spill: Path, problems: list[str]) -> FileReport:
    if list((home.landing / job.table.folder).glob(f"*-{job.digest}.parquet")):
        job.file.unlink()
        return FileReport(job.table.name, job.file.name, is_already_landed=True)
    with connect(spill) as connection:
        try:
            source = open_source(connection, job.file)
            _require_columns(job.table, source)
            source, unknown = _without_unknown(job, source, problems)
            stamp, limit = (_timestamp(moment) for moment in (job.stamp, job.loaded_at))
            checked = check(job.table, source, stamp, limit if home.world is World.LIVE else None)
            report = _land_rows(connection, home, job, checked, unknown)
        except LandingError as error:
            return _set_aside(home, job, str(error), problems)
    job.file.unlink()
    if report.quarantined:
        worst = max(report.reasons, key=lambda reason: report.reasons[reason])
        problems.append(
            f"{job.place}: {report.quarantined:,} of {report.read:,} rows were set aside in quarantine/"
            f"{job.table.folder}/{job.landed_name}, the first at {source.unit} {report.first_bad_row}; "
            f"most often {worst} ({report.reasons[worst]:,})"
        )
    return report


def _require_columns(table: Table, source: Source) -> None:
    missing = [
        column.name for column in table.columns if column.is_required and column.name not in source.columns
    ]
    if missing:
        near = get_close_matches(missing[0], set(source.columns) - set(table.column_names), 1, cutoff=0.5)
        hint = f"; did you mean its column {near[0]}?" if near and PRINTABLE.fullmatch(near[0]) else ""
        raise LandingError(f"has no column {', '.join(missing)}{hint}")


def _without_unknown(job: Job, source: Source, problems: list[str]) -> tuple[Source, tuple[str, ...]]:
    known = {*job.table.column_names, LOADED_AT}
    others = sorted(set(source.columns) - known)
    unknown = tuple(name for name in others if PRINTABLE.fullmatch(name))
    absent = set(job.table.column_names) - set(source.columns)
    for name in unknown:
        near = get_close_matches(name, absent, 1)
        if near:
            problems.append(f"{job.place}: column {name} is not in the contract; did you mean {near[0]}?")
    columns = {name: column for name, column in source.columns.items() if name in known}
    if LOADED_AT in columns and not job.is_first:
        del columns[LOADED_AT]
        problems.append(
            f"{job.place}: only the first load of a table may state {LOADED_AT}; "
            f"its rows count as known from {naive_utc(job.stamp):%Y-%m-%d %H:%M:%S} UTC"
        )
    return Source(source.relation, columns, source.row, source.fault, source.raw, source.unit), unknown


def _timestamp(moment: datetime) -> str:
    return f"timestamp '{naive_utc(moment).isoformat(sep=' ')}'"


def _land_rows(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    job: Job,
    checked: Checked,
    unknown: tuple[str, ...],
) -> FileReport:
    connection.execute(f"create view checked as {checked.query}")
    try:
        connection.execute(
            "create table bad as select row_number, broken, raw_row from checked where broken > 0"
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException):
        raise LandingError("has damaged content; write it again and drop it once more") from None
    counted = connection.execute("select broken, count(*), min(row_number) from bad group by 1").fetchall()
    landed_file = home.landing / job.table.folder / job.landed_name
    temporary = temporary_name(landed_file)
    try:
        landed = _copy(connection, _good_rows(connection, job), temporary)
        report = FileReport(
            table=job.table.name,
            file=job.file.name,
            read=landed + sum(count for _, count, _ in counted),
            landed=landed,
            quarantined=sum(count for _, count, _ in counted),
            first_bad_row=min((row for *_, row in counted), default=None),
            reasons={checked.rules[code].sentence: count for code, count, _ in sorted(counted)},
            unknown_columns=unknown,
        )
        if report.quarantined:
            _quarantine(connection, home, job, checked)
        _record(home, job, report, None)
        publish(temporary, landed_file)  # last: until then the file lands again as if for the first time
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _good_rows(connection: duckdb.DuckDBPyConnection, job: Job) -> str:
    table = job.table
    columns = [f"checked.{quoted(name)}" for name in table.column_names]
    joins, order = "", ""
    for name, origin in table.normalised:
        if origin == "email":
            columns.append(f"{email_sql('checked.email')} as {name}")
            continue
        country = "country" if "country" in table.column_names else "cast(null as varchar)"
        register_phones(connection, "checked", origin, country)
        columns.append(f"phones.e164 as {name}")
        joins = (
            f" left join phones on checked.{origin} = phones.given"
            f" and {country} is not distinct from phones.region"
        )
        order = " order by row_number"
    columns += [f"checked.{LOADED_AT}", f"{literal(job.file.name)} as {SOURCE_FILE}"]
    return f"select {', '.join(columns)} from checked{joins} where broken = 0{order}"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    target = literal(str(file))
    copied = connection.execute(f"copy ({query}) to {target} (format parquet, compression zstd)").fetchone()
    return int(copied[0]) if copied else 0


def _quarantine(connection: duckdb.DuckDBPyConnection, home: Home, job: Job, checked: Checked) -> None:
    rules = pa.table(
        {
            "broken": pa.array(list(checked.rules), pa.int32()),
            "column": pa.array([rule.column for rule in checked.rules.values()], pa.string()),
            "reason": pa.array([rule.reason for rule in checked.rules.values()], pa.string()),
        }
    )
    connection.register("rules", rules)
    file = home.quarantine / job.table.folder / job.landed_name
    _forget(file.parent, job.digest)
    temporary = temporary_name(file)
    query = (
        'select row_number, rules."column", rules.reason, cast(raw_row as varchar) as "row", '
        f"{literal(job.file.name)} as {SOURCE_FILE} "
        "from bad inner join rules on bad.broken = rules.broken order by row_number"
    )
    _copy(connection, query, temporary)
    publish(temporary, file)


def _set_aside(home: Home, job: Job, reason: str, problems: list[str]) -> FileReport:
    folder = home.quarantine / job.table.folder / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{job.digest}-{job.file.name}"
    report = FileReport(job.table.name, job.file.name, is_set_aside=True)
    _record(home, job, report, reason)
    job.file.replace(target)
    problems.append(
        f"{job.place}: {reason}; nothing of it landed, the file is {target.relative_to(home.path)} now"
    )
    return report


def _record(home: Home, job: Job, report: FileReport, reason: str | None) -> None:
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
        "first_bad_row": report.first_bad_row,
        "reason": reason or "; ".join(report.reasons) or None,
        LOADED_AT: naive_utc(job.stamp),
        SOURCE_FILE: job.file.name,
    }
    folder = home.landing / table.folder
    _forget(folder, digest)
    name = f"{compact(job.loaded_at)}-{digest}.parquet"
    write_parquet(folder / name, pa.Table.from_pylist([row], arrow_schema(table)))


def _forget(folder: Path, digest: str) -> None:
    """Remove what an attempt that did not come to its end left behind."""
    for file in folder.glob(f"*-{digest}.parquet"):
        file.unlink()
