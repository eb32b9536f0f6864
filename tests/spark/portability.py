"""Does the project decide the same on Apache Spark as on DuckDB? Not a pytest: ``make spark`` runs it.

Both engines build the small sample twice: on an empty ledger, and a week later on a ledger that holds their own
first run with receipts. Every table that a run freezes must have the same content digest on both. All files
live in a temporary directory; Spark, as set up in ``conf``, runs in this machine's memory alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activation.content import load_templates, templates_table
from activation.digest import content_digest
from activation.frozen import connect
from activation.home import Home, World, open_home
from activation.landing.load import land
from activation.landing.own import land_table
from activation.ledger import append, ensure_ledger
from activation.sample import sample
from activation.settings import PROJECT

ENGINES = ("duckdb", "spark")
# What must be in every build and not be empty: two empty tables are equal and prove nothing.
# (A sample is too small for volume claims, which take ten thousand sign-ups.)
DECISIVE = (
    "audiences",
    "campaign_sizes",
    "cohorts",
    "decisions",
    "guard_campaigns",
    "guard_inputs",
    "input_counts",
    "outbox_memberships",
    "outbox_messages",
    "profile_customers",
    "reservations",
)
TIMEOUT_SECONDS = 600
HERE = Path(__file__).resolve().parent


class PortabilityError(Exception):
    """An engine could not build."""


@dataclass(frozen=True)
class Run:
    """One run; the ledger is read as it stood at its ``as_of`` (UTC)."""

    run_id: str
    as_of: datetime


# A Wednesday, when the weekly campaigns enrol as well.
FIRST = Run("first", datetime(2017, 11, 22, 14, tzinfo=UTC))
SECOND = Run("second", FIRST.as_of + timedelta(days=7))


@dataclass(frozen=True)
class Digests:
    """What one table of one run was on each engine: rows and content digest, in the order of ``ENGINES``."""

    run_id: str
    table: str
    found: tuple[tuple[int, str], ...]

    @property
    def is_same(self) -> bool:
        """Whether it says anything at all, and the same on every engine."""
        return len(set(self.found)) == 1 and (self.table not in DECISIVE or self.found[0][0] > 0)


def main() -> int:
    """Build, compare, and say so; 0 where every table is the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--spark-dbt", type=Path, default=PROJECT / ".venv-spark" / "bin" / "dbt", help="dbt with dbt-spark"
    )
    parser.add_argument(
        "--keep", type=Path, help="a directory for homes, exports and logs, to look at a difference"
    )
    arguments = parser.parse_args()
    with ExitStack() as stack:
        directory = arguments.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-spark-"))
        )
        try:
            compared = compare(arguments.spark_dbt.absolute(), directory.resolve())
        except PortabilityError as error:
            say(str(error))
            return 1
    return report(compared)


def compare(spark_dbt: Path, directory: Path) -> list[Digests]:
    """Run both engines on homes of their own, which begin as copies of one."""
    started = time.monotonic()
    landed = directory / "landed"
    prepare(open_home(landed, create=World.REHEARSAL))
    homes = {}
    for engine in ENGINES:
        shutil.copytree(landed, directory / engine / "home")
        homes[engine] = open_home(directory / engine / "home")
    compared: list[Digests] = []
    for run in (FIRST, SECOND):
        exports = {}
        for engine, home in homes.items():
            say(f"{time.monotonic() - started:4.0f} s: the {run.run_id} run on {engine}")
            exports[engine] = build(engine, spark_dbt, home, run, directory / engine / run.run_id)
            record(home, run, exports[engine])
        compared += digests(run, exports)
    say(f"{time.monotonic() - started:4.0f} s: compared")
    return compared


def prepare(home: Home) -> None:
    """Land the small sample and the templates; each row keeps the load time that it states."""
    sample(home, small=True)
    land(home, loaded_at=SECOND.as_of)
    land_table(home, "muster.templates", templates_table(load_templates()), FIRST.as_of - timedelta(days=1))
    ensure_ledger(home)


def build(engine: str, spark_dbt: Path, home: Home, run: Run, directory: Path) -> Path:
    """One dbt process, and with Spark one JVM; give back the directory of what it exported.

    Generic and unit tests are left out: they run on DuckDB in ``make test``. The singular ones run on both.
    Raises ``PortabilityError`` with the end of dbt's own words.
    """
    export = directory / "export"
    export.mkdir(parents=True)
    moment = run.as_of.strftime("%Y-%m-%d %H:%M:%S")
    variables = {
        "as_of": moment,
        "known_until": moment,
        "known_at": moment,
        "run_id": run.run_id,
        "export_to": str(export),
    }
    command = [
        *([str(spark_dbt)] if engine == "spark" else [sys.executable, "-m", "dbt.cli.main"]),
        *(
            "build",
            "--exclude",
            "test_type:generic",
            "tag:measurement",
            "tag:look_ahead",
            "--exclude-resource-type",
            "unit_test",
        ),
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", engine),
        *("--target-path", str(directory / "target"), "--log-path", str(directory / "logs")),
        *("--no-partial-parse", "--vars", json.dumps(variables)),
    ]
    log = directory / "dbt.log"
    with log.open("wb") as stream:
        code = subprocess.run(
            command,
            cwd=directory,
            env=environment(home, directory),
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        ).returncode
    if code:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
        raise PortabilityError(
            f"{end}\nthe {run.run_id} run failed on {engine}; --keep DIRECTORY keeps its whole log"
        )
    return export


def environment(home: Home, directory: Path) -> dict[str, str]:
    """What a build needs, and nothing of a Spark that may be set up here besides."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MUSTER_HOME": str(home.path),
        "MUSTER_WAREHOUSE": str(directory / "muster.duckdb"),
        "MUSTER_SPARK_CATALOG": "in-memory",
        "SPARK_CONF_DIR": str(HERE / "conf"),
        "SPARK_LOCAL_DIRS": str(directory / "local"),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def record(home: Home, run: Run, export: Path) -> None:
    """Put an export into the ledger as it is, with receipts for what it planned."""
    shutil.copytree(export, home.run_directory(run.run_id) / "frozen")
    engine = connect()
    try:
        engine.execute("set timezone = 'UTC'")
        for kind, outbox, file in (
            ("receipts", "outbox_messages", "message_receipts.sql"),
            ("membership_receipts", "outbox_memberships", "membership_receipts.sql"),
        ):
            query = (HERE / file).read_text()
            rows = engine.execute(query, [pattern(export / f"{outbox}.parquet")]).to_arrow_table()
            append(home, kind, run.run_id, rows)
    finally:
        engine.close()


def digests(run: Run, exports: dict[str, Path]) -> list[Digests]:
    """The digests of every table that any engine exported; an engine that did not has no rows of it."""
    tables = sorted(
        {path.stem for export in exports.values() for path in export.glob("*.parquet")} | set(DECISIVE)
    )
    return [
        Digests(
            run.run_id,
            table,
            tuple(
                content_digest(pattern(path)) if path.exists() else (0, "none")
                for path in (exports[engine] / f"{table}.parquet" for engine in ENGINES)
            ),
        )
        for table in tables
    ]


def pattern(path: Path) -> str:
    """A table's files: DuckDB exports one, Spark a directory of them."""
    return str(path / "*.parquet") if path.is_dir() else str(path)


def report(compared: list[Digests]) -> int:
    """Print a table of the digests and a verdict; 1 where a table differs."""
    say(f"\n{'run':<8}{'table':<20}{'rows':>6}  {'DuckDB':<14}{'Spark':<14}")
    for line in compared:
        (rows, on_duckdb), (_, on_spark) = line.found
        verdict = "same" if line.is_same else "DIFFERENT" if on_duckdb != on_spark else "EMPTY"
        say(f"{line.run_id:<8}{line.table:<20}{rows:>6}  {on_duckdb[:12]:<14}{on_spark[:12]:<14}{verdict}")
    wrong = [line for line in compared if not line.is_same]
    if wrong:
        say(
            f"\n{len(wrong)} of {len(compared)} tables differ or are empty; --keep DIRECTORY keeps the exports"
        )
        return 1
    say(f"\nSpark decides as DuckDB does: {len(compared)} tables, the same digests")
    return 0


def say(text: str) -> None:
    """Write a line at once, so that it stands before what comes next."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
