"""Months later: what `muster purge` closed is over, and hinders nothing that goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from batch_home import WEDNESDAY, FirstBatch, Home

pytestmark = pytest.mark.xdist_group("first-batch")

MONTHS_LATER = "2018-03-01T14:00"


@pytest.fixture
def home(first_batch: FirstBatch, tmp_path: Path) -> Home:
    """A copy of the first batch, whose purge no other test sees."""
    copy = Home(tmp_path / "var", first_batch.home.project)
    shutil.copytree(first_batch.home.path, copy.path, ignore=shutil.ignore_patterns("sandbox"))
    return copy


def test_a_closed_run_is_listed_as_such_and_nothing_of_it_is_due(home: Home) -> None:
    home.muster("sandbox", "--detach")
    try:
        home.muster("resume", "--due", "--as-of", MONTHS_LATER)  # what had been put off expires
        home.muster("purge", "--as-of", MONTHS_LATER)
        accepted = home.accepted()
        home.muster("resume", "--due", "--as-of", MONTHS_LATER)
        (run,) = home.json("status")["runs"]
        asked_again = home.muster("resume", run["run_id"], expect=2)
    finally:
        home.asked("sandbox", "--stop")
    assert run["as_of"].startswith(WEDNESDAY)
    assert (run["is_closed"], run["states"]) == (True, {})
    assert home.accepted() == accepted
    assert "closed: what became of it is in the ledger" in home.muster("status")
    assert "closed by `muster purge`" in asked_again
