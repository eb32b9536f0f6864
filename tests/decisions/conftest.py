"""The compiled decision layer, and a Hypothesis profile under which every run looks at the same worlds."""

from __future__ import annotations

import pytest
from decision_layer import Engine, load_layer
from hypothesis import HealthCheck, settings

settings.register_profile(
    "decisions",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(load_layer())
