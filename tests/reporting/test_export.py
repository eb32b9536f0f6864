"""Report tables leave as Parquet and DuckDB, whole, and nothing else leaves with them."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.reporting.export import export_reports


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", create=World.REHEARSAL)


def build(home: Home, *statements: str) -> None:
    home.warehouse_file.unlink(missing_ok=True)
    with duckdb.connect(str(home.warehouse_file)) as engine:
        for statement in ("create schema reports", "create schema marts", *statements):
            engine.execute(statement)


def test_tables_and_views_of_the_reports_leave_and_no_other(home: Home) -> None:
    build(
        home,
        "create table marts.dim_customers as select 'ada@example.com' as email",
        "create table reports.rpt_sizes as select 'vip' as audience, 3 as people",
        "create view reports.rpt_twice as select audience, people * 2 as people from muster.reports.rpt_sizes",
    )
    found = export_reports(home)
    assert found.tables == ("rpt_sizes", "rpt_twice")
    with duckdb.connect(str(found.database), read_only=True) as engine:
        assert engine.execute("select people from reports.rpt_twice").fetchall() == [(6,)]
        assert engine.execute("select count(*) from information_schema.tables").fetchall() == [(2,)]
    assert duckdb.read_parquet(str(found.parquet / "rpt_sizes.parquet")).fetchall() == [("vip", 3)]
    assert {stat.S_IMODE(file.stat().st_mode) for file in found.database.parent.rglob("*.*")} == {0o600}


def test_a_table_that_is_no_more_leaves_no_file(home: Home) -> None:
    build(home, "create table reports.rpt_old as select 1 as one")
    export_reports(home)
    build(home, "create table reports.rpt_new as select 1 as one")
    found = export_reports(home)
    assert [file.name for file in found.parquet.iterdir()] == ["rpt_new.parquet"]


def test_what_fails_leaves_the_export_before_it(home: Home) -> None:
    build(home, "create table reports.rpt_sizes as select 3 as people")
    before = export_reports(home).database.read_bytes()
    build(
        home,
        "create table marts.gone as select 1 as one",
        "create view reports.rpt_broken as select one from muster.marts.gone",
        "drop table marts.gone",
    )
    with pytest.raises(duckdb.Error):
        export_reports(home)
    folder = home.path / "reports"
    assert (folder / "reports.duckdb").read_bytes() == before
    assert not list(folder.rglob("*.tmp*"))


def test_a_home_without_a_warehouse_is_told_what_to_do(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="muster build"):
        export_reports(home)
