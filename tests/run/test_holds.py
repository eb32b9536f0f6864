"""A failing data test on a shared layer stops the run; on one campaign it holds that one alone: ``test_approval``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import WEDNESDAY, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("holds")

RUN = "20171122T140000Z"


def test_a_failing_test_on_a_shared_layer_stops_the_run(
    make_home: Callable[..., Home], copy_project: Callable[..., Path]
) -> None:
    failing = "select profile_id from {{ ref('stg_crm__profiles') }}"
    home = make_home(project=copy_project({"tests/dbt/assert_nobody_is_known.sql": ("", failing)}))
    told = home.muster("run", "--as-of", WEDNESDAY, expect=2)
    assert "assert_nobody_is_known in tests/dbt/assert_nobody_is_known.sql" in told
    assert "nothing was frozen or sent" in told
    assert home.accepted() == []
    assert not (home.path / "ledger" / "runs" / RUN / "frozen").exists()
