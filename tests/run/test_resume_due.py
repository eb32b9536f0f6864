"""`muster resume --due`: one run that cannot go on does not keep the others back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_home import PROJECT, Home

from activation.home import open_home

TUESDAY = "2017-11-21T14:00"
NOBODY_THERE = "http://127.0.0.1:9"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home with two runs that reached nobody: their destination was down."""
    home = Home(tmp_path / "var", PROJECT)
    home.muster("sample", "--small")
    for campaign in ("feedback_request", "tuesday_newsletter"):
        command = ("run", campaign, "--as-of", TUESDAY, "--run-id", campaign)
        home.muster(*command, expect=5, MUSTER_SENDGRID_BASE_URL=NOBODY_THERE)
    home.muster("sandbox", "--detach")
    yield home
    home.asked("sandbox", "--stop")


def test_a_run_that_is_busy_elsewhere_is_told_and_the_next_one_goes_on(home: Home) -> None:
    with open_home(home.path).lock("campaign-feedback_request", "delivering feedback_request"):
        told = home.muster("resume", "--due", expect=3)
    assert "muster: run feedback_request: another process is delivering feedback_request" in told
    assert {row["campaign"] for row in home.accepted()} == {"tuesday_newsletter"}
    home.muster("resume", "--due")
    assert {row["campaign"] for row in home.accepted()} == {"feedback_request", "tuesday_newsletter"}
