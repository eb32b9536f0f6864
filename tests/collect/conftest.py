"""Homes whose feedback is collected, and readers of what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from activation.home import Home, World, open_home
from activation.sandbox import Sandbox

# What the delivery tests run on: a doubt has to be made before it can be resolved.
sys.path.append(str(Path(__file__).parents[1] / "delivery"))

from feedback import NOW, Feedback


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    made = Feedback(home)
    made.clock.step_to(NOW)
    return made


@pytest.fixture
def sandbox(feedback: Feedback) -> Iterator[Sandbox]:
    with Sandbox(feedback.home) as running:
        yield running


@pytest.fixture
def live(tmp_path: Path) -> Callable[[], Home]:
    return lambda: open_home(tmp_path / "live", World.LIVE)
