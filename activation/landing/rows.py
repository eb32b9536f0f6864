"""The rows of one file, judged: good ones to the landing zone, bad ones to quarantine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from activation.errors import DamagedFileError
from activation.home import Home
from activation.landing.check import Checked
from activation.landing.contract import LOADED_AT, SOURCE_FILE, publish, temporary_name
from activation.landing.job import Job, forget, record
from activation.landing.normalise import email_sql, register_emails, register_phones
from activation.landing.report import FileReport
from activation.landing.source import literal, quoted


def land_rows(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    job: Job,
    checked: Checked,
    unknown: tuple[str, ...],
) -> FileReport:
    """Write the good rows, the bad ones and the record of both; the good ones last.

    Until those are in place, the file lands again as if for the first time. Raises ``DamagedFileError``
    where the content cannot be read.
    """
    connection.execute(f"create view checked as {checked.query}")
    try:
        connection.execute(
            "create table bad as select row_number, broken, raw_row from checked where broken > 0"
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException):
        raise DamagedFileError("has damaged content; write it again and drop it once more") from None
    counted = connection.execute("select broken, count(*), min(row_number) from bad group by 1").fetchall()
    landed_file = home.landing / job.table.folder / job.landed_name
    for stale in landed_file.parent.glob(".*.tmp"):  # of a landing that was killed: the lock is ours
        stale.unlink()
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
        record(home, job, report, None)
        publish(temporary, landed_file)
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _good_rows(connection: duckdb.DuckDBPyConnection, job: Job) -> str:
    table = job.table
    columns = [f"checked.{quoted(name)}" for name in table.column_names]
    joins = ""
    good = "(select * from checked where broken = 0)"
    for name, origin in table.normalised:
        if origin == "email":
            register_emails(connection, good, origin)
            columns.append(f"{email_sql('checked.email', 'emails.normalised')} as {name}")
            joins += " left join emails on checked.email = emails.given"
            continue
        country = "country" if "country" in table.column_names else "cast(null as varchar)"
        register_phones(connection, good, origin, country)
        columns.append(f"phones.normalised as {name}")
        joins += (
            f" left join phones on checked.{origin} = phones.given"
            f" and {country} is not distinct from phones.region"
        )
    order = " order by row_number" if joins else ""
    columns += [f"checked.{LOADED_AT}", f"{literal(job.file.name)} as {SOURCE_FILE}"]
    return f"select {', '.join(columns)} from checked{joins} where broken = 0{order}"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    target = literal(str(file))
    copied = connection.execute(
        f"copy ({query}) to {target} (format parquet, compression zstd, use_tmp_file false)"
    ).fetchone()
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
    forget(file.parent, job.digest)
    temporary = temporary_name(file)
    query = (
        'select row_number, rules."column", rules.reason, cast(raw_row as varchar) as raw, '
        f"{literal(job.file.name)} as {SOURCE_FILE} "
        "from bad inner join rules on bad.broken = rules.broken order by row_number"
    )
    _copy(connection, query, temporary)
    publish(temporary, file)
