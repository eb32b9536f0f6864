"""One Prefect server for all tests of the flows, and one small rehearsal home with its sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_world import FRESH, Shop
from prefect.settings import (
    PREFECT_HOME,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from activation.cli import invoke
from activation.home import open_home
from activation.sandbox import Sandbox


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Prefect server on loopback, with nothing in the user's own Prefect home; gives its database file."""
    own = {PREFECT_HOME: tmp_path_factory.mktemp("prefect"), PREFECT_SERVER_ANALYTICS_ENABLED: False}
    with temporary_settings(own), prefect_test_harness(server_startup_timeout=180):
        yield Path(PREFECT_SERVER_DATABASE_CONNECTION_URL.value().removeprefix("sqlite+aiosqlite:///"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, server: Path) -> Iterator[Shop]:
    assert server.exists()
    place = tmp_path_factory.mktemp("flows") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSTER_HOME", str(place))
        assert invoke(["sample", "--small"]) == 0
        home = open_home(place)
        for table, rows in FRESH.items():
            (home.inbox / table / "fresh.csv").write_text(rows)
        with Sandbox(home) as sandbox:
            yield Shop(home, sandbox)
