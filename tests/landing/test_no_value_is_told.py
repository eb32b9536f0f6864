"""No value of a row, good or malformed, gets into a log, a report or an artifact of dbt."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from dbt_on_home import Workbench
from malformed import thousand

from activation.home import Home
from activation.settings import PROJECT

pytestmark = pytest.mark.xdist_group("dbt_on_landing")

AS_OF = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SELECTED = ("dim_customers", "fct_orders", "fct_feedback", "guard_inputs")


def test_a_thousand_canaries_are_landed_and_built_and_nothing_sings(
    home: Home, drop: Callable[..., Any], workbench: Workbench
) -> None:
    for made in thousand():
        drop(made.table, made.name, made.content)
    landing = subprocess.run(
        [sys.executable, "-m", "activation", "land"],
        cwd=PROJECT, env=os.environ | {"MUSTER_HOME": str(home.path)}, capture_output=True, check=False,
    )  # fmt: skip
    assert landing.returncode == 0, landing.stderr.decode()[-2000:]
    assert b"400 set aside" in landing.stdout
    said = workbench.build(home, datetime.now(UTC), SELECTED, tests=True).encode()
    told = {"landing": landing.stdout + landing.stderr, "dbt": said}
    told |= {str(file.relative_to(workbench.root)): file.read_bytes() for file in written_by_dbt(workbench)}
    told["loads"] = str(
        [pq.read_table(file).to_pylist() for file in (home.landing / "muster" / "loads").glob("*.parquet")]
    ).encode()
    assert {Path(name).name for name in told} >= {"dbt.log", "run_results.json", "manifest.json", "loads"}
    # Not the word that campaigns use for their first part.
    for secret in (b"nightjar", b"person7@", b"x" * 200):
        assert [name for name, content in told.items() if secret in content] == []


def written_by_dbt(workbench: Workbench) -> list[Path]:
    log = workbench.target.parent / "dbt.log"
    return [log, *(file for file in workbench.target.rglob("*") if file.is_file())]
