"""A live home, an inbox to drop into, and readers of what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt_on_home import Workbench

from activation.home import Home, World, open_home

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", World.LIVE)


@pytest.fixture
def drop(home: Home) -> Callable[[str, str, str | bytes | pa.Table], Path]:
    def put(table: str, name: str, content: str | bytes | pa.Table) -> Path:
        file = home.inbox / table.replace(".", "/") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            pq.write_table(content, file)
        else:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return put


@pytest.fixture
def rows(home: Home) -> Callable[..., list[dict[str, Any]]]:
    def read(table: str, zone: str = "landing") -> list[dict[str, Any]]:
        files = sorted((home.path / zone / table.replace(".", "/")).glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]

    return read


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("workbench"))
