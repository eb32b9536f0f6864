"""The rows of one file, judged: good ones to the landing zone, bad ones to quarantine.

Of those that are about a person who was erased nothing is kept but the count and the row number.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from activation.errors import DamagedFileError
from activation.home import Home
from activation.landing.check import Checked
from activation.landing.contract import LOADED_AT, SOURCE_FILE, Table, publish, temporary_name
from activation.landing.erased import ERASED, find_erased
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
        erased = find_erased(
            connection, home, job.table, lambda: _normalised(connection, job.table, "checked")
        )
        apart = "" if erased is None else " and row_number not in (select row_number from erased)"
        connection.execute(
            f"create table bad as select row_number, broken, raw_row from checked where broken > 0{apart}"
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException):
        raise DamagedFileError("has damaged content; write it again and drop it once more") from None
    counted = connection.execute("select broken, count(*), min(row_number) from bad group by 1").fetchall()
    landed_file = home.landing / job.table.folder / job.landed_name
    for stale in landed_file.parent.glob(".*.tmp"):  # of a landing that was killed: the lock is ours
        stale.unlink()
    temporary = temporary_name(landed_file)
    try:
        landed = _copy(connection, _good_rows(connection, job, apart), temporary)
        report = FileReport(
            table=job.table.name,
            file=job.file.name,
            read=landed + sum(count for _, count, _ in counted) + (erased or 0),
            landed=landed,
            quarantined=sum(count for _, count, _ in counted),
            first_bad_row=min((row for *_, row in counted), default=None),
            reasons={checked.rules[code].sentence: count for code, count, _ in sorted(counted)},
            unknown_columns=unknown,
            erased=erased or 0,
        )
        if report.quarantined or report.erased:
            _quarantine(connection, home, job, checked, has_erased=erased is not None)
        record(home, job, report, None)
        publish(temporary, landed_file)
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _good_rows(connection: duckdb.DuckDBPyConnection, job: Job, apart: str) -> str:
    table = job.table
    good = _normalised(connection, table, f"(select * from checked where broken = 0{apart})")
    columns = [*table.column_names, *(name for name, _ in table.normalised), LOADED_AT]
    selected = ", ".join(quoted(name) for name in columns)
    order = " order by row_number" if table.normalised else ""
    return f"select {selected}, {literal(job.file.name)} as {SOURCE_FILE} from {good}{order}"


def _normalised(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> str:
    """Give ``relation`` with the table's normalised columns beside the others."""
    columns = ["checked.*"]
    joins = ""
    for name, origin in table.normalised:
        if origin == "email":
            register_emails(connection, relation, origin)
            columns.append(f"{email_sql('checked.email', 'emails.normalised')} as {name}")
            joins += " left join emails on checked.email = emails.given"
            continue
        country = "country" if "country" in table.column_names else "cast(null as varchar)"
        register_phones(connection, relation, origin, country)
        columns.append(f"phones.normalised as {name}")
        joins += (
            f" left join phones on checked.{origin} = phones.given"
            f" and {country} is not distinct from phones.region"
        )
    return f"(select {', '.join(columns)} from {relation} as checked{joins})"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    target = literal(str(file))
    copied = connection.execute(
        f"copy ({query}) to {target} (format parquet, compression zstd, compression_level 1, use_tmp_file false)"
    ).fetchone()
    return int(copied[0]) if copied else 0


def _quarantine(
    connection: duckdb.DuckDBPyConnection, home: Home, job: Job, checked: Checked, *, has_erased: bool
) -> None:
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
    rows = (
        'select row_number, rules."column", rules.reason, cast(raw_row as varchar) as raw '
        "from bad inner join rules on bad.broken = rules.broken"
    )
    if has_erased:
        rows += f" union all select row_number, null, {literal(ERASED)}, null from erased"
    query = f"select *, {literal(job.file.name)} as {SOURCE_FILE} from ({rows}) order by row_number"
    _copy(connection, query, temporary)
    publish(temporary, file)
