"""The report of a home after its first run: one file for people, tables for tools, and nobody's data in either."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
from batch_home import FirstBatch, Home

from activation.reporting.sections import SECTIONS

# It reads what the first batch left, so the same process runs it.
pytestmark = pytest.mark.xdist_group("first-batch")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# A request through a proxy at the discard port fails, and the console tells of it.
OFFLINE = ("--disable-background-networking", "--proxy-server=127.0.0.1:9")
COMPLAINT = re.compile(r":CONSOLE[:(]|net::ERR_|ERR_[A-Z]+_[A-Z_]+")
PERSONAL = ("email", "phone", "last_name", "address", "loyalty_number")


@dataclass(frozen=True)
class Report:
    """A home of its own with its report."""

    home: Home
    page: Path

    @property
    def tables(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.page.parent / "reports.duckdb"), read_only=True)


@pytest.fixture(scope="module")
def report(first_batch: FirstBatch, tmp_path_factory: pytest.TempPathFactory) -> Report:
    home = replace(first_batch.copy, path=tmp_path_factory.mktemp("reported") / "var")
    shutil.copytree(first_batch.copy.path, home.path, ignore=shutil.ignore_patterns("sandbox"))
    return Report(home, Path(home.json("report")["page"]))


def test_it_is_one_file_with_every_section_and_no_address(report: Report) -> None:
    page = report.page.read_text()
    assert report.page.name == "report-2017-11.html"
    assert list(re.findall(r'<h2 id="([^"]+)"', page)) == [section.key for section in SECTIONS]
    assert page.count("<svg") >= 5
    assert page.count("The same as a table") == page.count("<svg")
    assert set(re.findall(r"https?://[^/\"' ]+", page)) <= {"http://www.w3.org"}
    assert "This is a rehearsal" in page


def test_its_figures_are_those_of_the_tables_beside_it(report: Report) -> None:
    page = report.page.read_text()
    with report.tables as tables:
        sent = tables.execute(
            "select sum(sends) from reports.rpt_campaign_performance where send_month = '2017-11-01'"
        ).fetchall()[0][0]
        told = tables.execute(
            "select figure from reports.rpt_headlines where month_date = '2017-11-01' and headline = 'sends'"
        ).fetchall()[0][0]
        runs = tables.execute("select sum(runs) from reports.rpt_run_health").fetchall()[0][0]
    assert sent == told > 0
    assert f'<span class="value">{sent:,.0f}</span>' in page
    assert runs == len(
        json.loads((report.home.path / "ledger/runs/20171122T140000Z/request.json").read_text())["campaigns"]
    )


def test_every_report_table_is_there_as_parquet_too(report: Report) -> None:
    with report.tables as tables:
        names = {
            row[0] for row in tables.execute("select table_name from information_schema.tables").fetchall()
        }
        for name in names:
            file = report.page.parent / "parquet" / f"{name}.parquet"
            counted = tables.execute(f"select count(*) from {name}").fetchall()
            assert duckdb.execute("select count(*) from read_parquet(?)", [str(file)]).fetchall() == counted
    assert {file.stem for file in (report.page.parent / "parquet").iterdir()} == names


def test_it_names_nobody(report: Report) -> None:
    landed = str(report.home.path / "landing" / "crm" / "profiles" / "*.parquet")
    with duckdb.connect() as engine, report.tables as tables:
        values = {
            str(row[0]).lower()
            for column in PERSONAL
            for row in engine.execute(
                f"select distinct {column} from read_parquet(?, union_by_name = true) where length({column}) > 6",
                [landed],
            ).fetchall()
        }
        customers = {row[0] for row in engine.execute(
            "select distinct customer_id from read_parquet(?)",
            [str(report.home.path / "ledger/runs/20171122T140000Z/frozen/profile_customers.parquet")],
        ).fetchall()}  # fmt: skip
        told = [report.page.read_text().lower()]
        for (name,) in tables.execute("select table_name from information_schema.tables").fetchall():
            told += [str(value).lower() for row in tables.execute(f"from {name}").fetchall() for value in row]
    assert len(values) > 50 < len(customers)
    everything = "\n".join(told)
    assert [value for value in values if value in everything] == []
    assert customers.isdisjoint(told[1:])
    assert [each for each in customers if len(each) > 6 and each in everything] == []


def test_a_second_report_lands_nothing_that_is_known(report: Report) -> None:
    def landed() -> set[Path]:
        return set((report.home.path / "landing" / "muster").rglob("*.parquet"))

    before = landed()
    report.home.muster("report", "--month", "2017-10")
    assert landed() == before
    assert (report.page.parent / "report-2017-10.html").exists()
    assert "had not begun" in report.home.muster("report", "--month", "2018-01", expect=2)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (on Debian: chromium)")
def test_a_browser_shows_it_without_a_request_or_a_complaint(report: Report, tmp_path: Path) -> None:
    command = [
        *(
            str(CHROMIUM),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            *OFFLINE,
        ),
        *(
            f"--user-data-dir={tmp_path}",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ),
        f"file://{report.page}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "What customers bought" in done.stdout
    assert [line for line in done.stderr.splitlines() if COMPLAINT.search(line)] == []
