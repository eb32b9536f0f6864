"""Fixtures: one compiled re-check for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest
from guard_world import FrozenWorld, make_world

from activation.compiled import RECHECK, compiled
from activation.home import World, open_home


@pytest.fixture(scope="session")
def recheck_script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compiled(open_home(tmp_path_factory.mktemp("compiled") / "home", create=World.REHEARSAL), RECHECK)


@pytest.fixture
def world(tmp_path: Path, recheck_script: str) -> FrozenWorld:
    return make_world(tmp_path / "home", recheck_script)
