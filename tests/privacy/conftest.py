"""A home with two people in every table, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PEPPER, Household, copied

from activation.home import World, open_home


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Household:
    household = Household(open_home(tmp_path_factory.mktemp("settled") / "home", World.LIVE))
    household.settle()
    return household


@pytest.fixture
def household(settled: Household, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Household:
    monkeypatch.setenv("MUSTER_PEPPER", PEPPER)
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    return copied(settled, tmp_path / "home")
