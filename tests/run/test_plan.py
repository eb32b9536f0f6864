"""Plan, comparison with a git revision, and backtest, in one home with the example data."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("plan")

AS_OF = "2017-11-22T14:00"
CAMPAIGN, MODEL = "vip_offer", "models/campaigns/cmp_vip_offer.sql"
WITH_HOLDOUT = "daily_digest"  # of people of whom some buy
HOLDOUT = "cast(0.05 as decimal(5, 4)) as holdout_share"
ADDRESS = re.compile(r"[\w.]+@(?:[\w-]+\.)+\w+|\+\d{8,}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[..., Path]) -> Home:
    """A home whose project is a git repository with one commit, and an edit on top of it: nobody is held out."""
    project = copy_project({})
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "as it was"]):
        subprocess.run([*git, *command], cwd=project, check=True, capture_output=True)
    file = project / MODEL
    assert HOLDOUT in file.read_text()
    file.write_text(file.read_text().replace(HOLDOUT, HOLDOUT.replace("0.05", "0")))
    made = Home(tmp_path_factory.mktemp("home") / "var", project)
    made.muster("sample", "--small")
    return made


def digests(home: Home) -> dict[str, str]:
    files = [file for file in home.path.rglob("*") if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_plan_tells_everything_and_names_nobody(home: Home, tmp_path: Path) -> None:
    page = tmp_path / "plan.md"
    options = ("--as-of", AS_OF, "--sample", "2", "--markdown", str(page))
    plan = home.json("plan", CAMPAIGN, WITH_HOLDOUT, *options)
    campaigns = {each["campaign"]: each for each in plan["campaigns"]}
    told = campaigns[CAMPAIGN]
    waterfall = told["waterfall"]
    assert waterfall["candidates"] == waterfall["to_send"] + sum(
        step["people"] for step in waterfall["steps"]
    )
    assert [step["rule"] for step in waterfall["steps"]] == sorted(
        step["rule"] for step in waterfall["steps"]
    )
    assert sum(estimate["people"] for estimate in told["estimates"]) == told["ruling"]["planned"] > 0
    assert told["previews"]
    assert {each["verdict"] for each in told["drawn"]} >= {"send", "exclude"}
    assert told["difference"] is None, "it is the first run"
    assert told["effects"] == [], "nobody is held out"
    assert {effect["metric"] for effect in campaigns[WITH_HOLDOUT]["effects"]} == {"converted", "net_spend"}
    assert all(effect["smallest"] > 0 for effect in campaigns[WITH_HOLDOUT]["effects"])
    assert f"### {CAMPAIGN} (2017-W47)" in page.read_text()
    assert ADDRESS.findall(str(plan) + page.read_text()) == []
    assert not (home.path / "ledger" / "runs" / plan["run_id"] / "frozen").exists()


def test_a_comparison_tells_who_enters_by_which_rule_of_the_revision(home: Home, tmp_path: Path) -> None:
    published = (home.path / "warehouse" / "muster.duckdb").stat().st_ino
    page = tmp_path / "comparison.md"
    options = ("--as-of", AS_OF, "--against", "HEAD", "--sample", "1", "--markdown", str(page))
    (moves,) = home.json("plan", CAMPAIGN, *options)["campaigns"]
    assert moves["left"] == []
    assert {move["reason"] for move in moves["entered"]} == {"holdout_campaign"}
    assert all(len(move["customer_ids"]) == 1 for move in moves["entered"])
    assert moves["sent_now"] == moves["sent_before"] + sum(move["people"] for move in moves["entered"])
    assert f"| {CAMPAIGN} | {moves['sent_before']:,} | {moves['sent_now']:,} |" in page.read_text()
    assert (home.path / "warehouse" / "muster.duckdb").stat().st_ino == published, "nothing is published"


def test_a_backtest_goes_on_from_week_to_week_and_leaves_the_home_alone(home: Home) -> None:
    before = digests(home)
    found = home.json("backtest", CAMPAIGN, "--weeks", "2", "--as-of", AS_OF)
    assert digests(home) == before
    first, second = found["weeks"]
    assert (first["as_of"][:10], second["as_of"][:10]) == ("2017-11-15", "2017-11-22")
    assert first["people"][CAMPAIGN] > 0
    reasons = {step["reason"]: step["people"] for step in second["waterfalls"][0]["steps"]}
    assert reasons["re_entry_too_soon"] == first["people"][CAMPAIGN], "what a week planned counts as sent"
    assert first["pressure"] == {"1": first["people"][CAMPAIGN]}
    assert "the first load was on 2016-" in home.muster(
        "backtest", CAMPAIGN, "--weeks", "104", "--as-of", AS_OF, expect=2
    )
