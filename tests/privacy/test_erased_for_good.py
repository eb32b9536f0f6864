"""From the sample to a warehouse, an erasure, and a warehouse again: the person is gone, and stays so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from activation.build import publish, run_dbt, sql_moment
from activation.cli import invoke
from activation.clock import clock_of, parse_moment
from activation.content import load_templates, templates_table
from activation.home import Home, World, open_home
from activation.landing.own import land_table
from activation.run import land_step
from activation.sample import sample

pytestmark = pytest.mark.xdist_group("dbt")

AS_OF = parse_moment("2017-11-22T14:00")
ERASED, SELECTED = (
    "2204",
    ("+dim_customers", "+input_counts", "int_devices_stitched", "int_customers_succeeded"),
)
# What a person is worth or likely to do is measured by all others: one less moves where the parts begin.
RELATIVE = ("value_tier", "segment", "rfm", "score", "predicted", "probability", "expected", "p_alive")


def build(home: Home) -> dict[str, dict[str, Any]]:
    """The customers that dbt makes of the home, by id, without what is relative to all others."""
    directory = home.build_directory("test")
    values = {"as_of": sql_moment(AS_OF), "known_until": sql_moment(AS_OF), "run_id": "none"}
    arguments = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    assert run_dbt([*arguments, "--select", *SELECTED], home, directory, values) == 0, (
        directory / "dbt.log"
    ).read_text()[-3000:]
    publish(home, directory / home.warehouse_file.name)
    with duckdb.connect(str(home.warehouse_file), read_only=True) as engine:
        rows = engine.execute("select * from marts.dim_customers").to_arrow_table().to_pylist()
    return {
        row["customer_id"]: {
            name: value for name, value in row.items() if not any(part in name for part in RELATIVE)
        }
        for row in rows
    }


def seen_inputs(home: Home) -> dict[str, int]:
    with duckdb.connect(str(home.warehouse_file), read_only=True) as engine:
        return dict(engine.execute("select source_table, row_count from decisions.input_counts").fetchall())


def test_an_erased_person_is_gone_from_the_next_warehouse_and_no_extract_brings_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    home = open_home(tmp_path / "home", World.REHEARSAL)
    sample(home, small=True)
    clock_of(home).step_to(AS_OF)
    land_step(home, clock_of(home), AS_OF)
    land_table(home, "muster.templates", templates_table(load_templates()), AS_OF)
    before, inputs = build(home), seen_inputs(home)
    (customer,) = [row for row in before.values() if row["email"] == f"household{ERASED}@example.com"]

    assert invoke(["erase", ERASED]) == 0
    assert not home.warehouse_file.exists()
    del before[customer["customer_id"]]
    assert build(home) == before
    assert all(
        seen_inputs(home)[table] >= rows for table, rows in inputs.items()
    )  # no guard takes it for a loss

    sample(home, small=True)
    for file in home.inbox.glob("*/*/sample.csv"):
        file.write_bytes(
            file.read_bytes() + b"\n"
        )  # the same rows in other bytes: not the file that is known
    report = land_step(home, clock_of(home), AS_OF)
    assert report.erased > 10
    with duckdb.connect() as engine:
        for table in ("crm/profiles", "consent/events", "shop/orders", "web/events"):
            found = engine.execute(
                f"select count(*) from '{home.landing}/{table}/*.parquet' where profile_id in (?, ?)",
                [ERASED, f"{ERASED}-shop"],
            ).fetchone()
            assert found == (0,)
    told = capsys.readouterr()
    assert "@" not in told.out + told.err
