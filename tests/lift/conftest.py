"""The simulated worlds, estimated once for all tests here."""

from __future__ import annotations

import pytest
from simulation import Simulation


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return Simulation()
