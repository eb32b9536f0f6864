"""Everything that dbt checks: models, unit tests, data tests, contracts, on the small sample."""

from __future__ import annotations

import pytest
from small_sample import Built

pytestmark = pytest.mark.xdist_group("dbt")


def test_the_project_builds_without_a_failure_a_warning_or_a_deprecation(built: Built) -> None:
    assert built.code == 0, built.output[-6000:]
    statuses = {result["status"] for result in built.artifact("run_results")["results"]}
    assert statuses <= {"success", "pass", "no-op"}
    assert "deprecat" not in built.output.lower()


def test_every_unit_test_ran(built: Built) -> None:
    ran = {result["unique_id"] for result in built.artifact("run_results")["results"]}
    assert set(built.artifact("manifest")["unit_tests"]) <= ran
