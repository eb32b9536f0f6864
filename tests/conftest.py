"""What takes longest goes first, so that both workers of ``make test`` end at about the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

# Groups of one process and files, by how long they take; all others follow in the order of their files.
LONGEST_FIRST = ("first-batch", "dbt", "plan", "approval", "test_bench_runs", "dbt_on_landing", "flows", "test_live",
                 "bad-input", "kill", "decisions", "cdnow", "test_parse", "test_febrl")  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort stably: what shares a fixture stays together."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    mark = item.get_closest_marker("xdist_group")
    name = mark.args[0] if mark is not None else Path(item.path).stem
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)
