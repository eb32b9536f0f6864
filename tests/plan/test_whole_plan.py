"""A plan as a whole, from files alone: which run it is compared with, and its three forms."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from log_fixtures import excluded, write_run

from activation.backtest import Backtest, Week, backtest_text, week_of
from activation.frozen import FrozenRun, connect
from activation.guard import Ruling, Verdict
from activation.home import Home, World, open_home
from activation.plans import plan as plans
from activation.plans.difference import differences
from activation.plans.plan import plan_json, plan_markdown, plan_of, plan_text
from activation.request import RunRequest, record_request

AS_OF = datetime(2026, 3, 2, 14, tzinfo=UTC)
ADDRESS = re.compile(r"[\w.]+@[\w.]*\w|\+\d{6,}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", create=World.REHEARSAL)


def request(run_id: str, days_ago: int, *campaigns: str) -> RunRequest:
    moment = AS_OF - timedelta(days=days_ago)
    return RunRequest(run_id, moment, moment, campaigns, "test")


def freeze(home: Home, asked: RunRequest, *customers: str) -> None:
    record_request(home, asked)
    rows = [{"customer_id": customer, "campaign": name} for name in asked.campaigns for customer in customers]
    directory = write_run(home.run_directory(asked.run_id) / "frozen", rows)
    (directory / "manifest.json").write_text("{}")


def test_each_campaign_is_compared_with_the_latest_frozen_run_that_it_took_part_in(
    home: Home, tmp_path: Path
) -> None:
    freeze(home, request("both", 14, "weekly", "daily"), "c1")
    freeze(home, request("daily-alone", 7, "daily"), "c1", "c2")
    record_request(home, request("never-frozen", 3, "weekly"))
    freeze(home, request("same-moment", 0, "weekly"), "c9")
    rows = [{"campaign": name, "customer_id": "c3"} for name in ("weekly", "daily", "new")]
    asked = request("now", 0, "weekly", "daily", "new")
    found = differences(home, asked, write_run(tmp_path / "now", rows))
    assert {name: each.run_id for name, each in found.items()} == {"weekly": "both", "daily": "daily-alone"}
    assert {name: each.moves.sent_before for name, each in found.items()} == {"weekly": 1, "daily": 2}


def test_the_three_forms_tell_the_same_and_name_nobody(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "load_templates", dict)
    freeze(home, request("before", 7, "weekly"), "c1", "c2")
    rows = [{"customer_id": "c1"}, excluded("c2", "no_consent")]
    asked = request("now", 0, "weekly", "silent")
    rulings = {
        "weekly": Ruling("weekly", Verdict.HOLD, ("1 person is planned, at most 0 are allowed",), 1),
        "silent": Ruling("silent", Verdict.GO, (), 0),
    }
    found = plan_of(home, asked, write_run(tmp_path / "now", rows), rulings, sample=1)
    text, page, data = plan_text(found), plan_markdown(found), json.dumps(plan_json(found), default=str)
    for form in (text, page):
        assert "HELD" in form
        assert "at most 0 are allowed" in form
        assert "kept out by no consent" in form
        assert "sendgrid: 1 people in 1 request" in form
        assert "exclude: no consent" in form
    assert "silent\n  no candidate" in text
    assert "| weekly | HELD | 1 | 0 / 1 |" in page
    assert ADDRESS.findall(text + page + data) == []


EFFECT = {
    "campaign": "weekly", "metric": "converted", "people": 2000, "people_counted": 2000, "outcome_days": 28,
    "holdout_share": 0.1, "base": 0.08, "minimum_detectable_effect": 0.0567, "is_measurable": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ([], None),
        (
            [EFFECT, EFFECT | {"metric": "net_spend", "base": 12.5, "minimum_detectable_effect": 3.456}],
            (
                "could show a change of 5.7 points in who buys (of such people 8.0% do) and of 3.46 in what a person "
                "spends (expected 12.50), in 28 days, with 10% of 2,000 people left alone"
            ),
        ),
        (
            [EFFECT | {"people": 900, "is_measurable": False}],
            "cannot tell from one run what it changes, with 10% of 900 people left alone",
        ),
        (
            [EFFECT | {"people": 900, "is_measurable": False}],
            "2,000 people of several runs could show a change of 5.7 points in who buys (of such people 8.0% do)",
        ),
        (
            [EFFECT | {"base": 0.0, "minimum_detectable_effect": None}],
            "cannot tell what it could change: no differences are known among people who had been quiet for as long",
        ),
        (
            [EFFECT | {"base": None, "minimum_detectable_effect": None}],
            "cannot tell what it could change: nothing is known of people who had been quiet for as long",
        ),
    ],
)
def test_before_anything_is_sent_a_plan_tells_what_the_holdout_could_show(
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    effects: list[dict[str, Any]],
    said: str | None,
) -> None:
    monkeypatch.setattr(plans, "load_templates", dict)
    directory = write_run(tmp_path / "now", [{"customer_id": "c1"}])
    if effects:
        pq.write_table(pa.Table.from_pylist(effects), directory / "rpt_minimum_detectable_effects.parquet")
    rulings = {"weekly": Ruling("weekly", Verdict.GO, (), 1)}
    found = plan_of(home, request("now", 0, "weekly"), directory, rulings)
    for form in (plan_text(found), plan_markdown(found)):
        assert (said or "") in form
        assert ("left alone" in form or "could change" in form) == (said is not None)


def test_a_week_tells_overlaps_and_pressure(tmp_path: Path) -> None:
    rows = [{"campaign": "a", "customer_id": customer} for customer in ("c1", "c2", "c3")]
    rows += [{"campaign": "a", "customer_id": "c1", "step": 2}]
    rows += [{"campaign": "b", "customer_id": customer} for customer in ("c3", "c4")]
    rows += [excluded("c1", "no_consent", campaign="b")]
    run = FrozenRun("r1", AS_OF, "", write_run(tmp_path, rows))
    with connect() as engine:
        week = week_of(engine, AS_OF, run, {"a": ["too many"], "b": ["too many"]})
    assert week.people == {"a": 3, "b": 2}
    assert [(each.shared, each.jaccard) for each in week.overlaps] == [(1, 0.25)]
    assert week.pressure == {1: 2, 2: 2}
    told = backtest_text(Backtest(["a", "b"], [week], week.pressure))
    assert "a and b share 1 people (Jaccard 0.25)" in told
    assert "4 people, 1.50 messages each, at most 2" in told
    assert "would have waited: a, b: too many" in told
    assert isinstance(week, Week)
