"""A failing data test: on one campaign it holds that campaign alone, on a shared layer it stops the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import WEDNESDAY, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("holds")

RUN = "20171122T140000Z"


def test_a_failing_test_on_one_audience_holds_the_campaigns_below_it_and_no_other(
    make_home: Callable[..., Home], copy_project: Callable[..., Path]
) -> None:
    never = "select customer_id from {{ ref('aud_high_value_customers') }}"
    project = copy_project(
        {
            "tests/dbt/audiences/assert_nobody_is_of_high_value.sql": (
                "",
                "{{ config(severity='warn') }}\n" + never,
            )
        }
    )
    home = make_home(project=project)
    told = home.muster("run", "--as-of", WEDNESDAY, expect=3)
    assert "HELD: test assert_nobody_is_of_high_value failed on" in told
    assert set(home.states()) == {"weekly_reactivation", "nightly_ads_suppression"}
    assert not [row for row in home.accepted() if row["destination"] == "twilio"]
    # What is held gives its reservations back: the mended campaign may go in the same week.
    mended = Home(home.path, Path(__file__).parents[2])
    mended.muster("run", "vip_offer", "--as-of", "2017-11-22T16:00")
    assert [row for row in home.accepted() if row["destination"] == "twilio"]
    assert home.contacted_twice() == []


def test_a_failing_test_on_a_shared_layer_stops_the_run(
    make_home: Callable[..., Home], copy_project: Callable[..., Path]
) -> None:
    failing = "select message_id from {{ ref('decision_log') }}"
    home = make_home(project=copy_project({"tests/dbt/assert_nothing_is_decided.sql": ("", failing)}))
    told = home.muster("run", "--as-of", WEDNESDAY, expect=2)
    assert "assert_nothing_is_decided in tests/dbt/assert_nothing_is_decided.sql" in told
    assert "nothing was frozen or sent" in told
    assert home.accepted() == []
    assert not (home.path / "ledger" / "runs" / RUN / "frozen").exists()
