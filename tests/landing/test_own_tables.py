"""Muster's own tables land when their content is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.errors import LandingError
from activation.home import Home
from activation.landing.own import land_table

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEMPLATES = pa.table(
    {"template": ["b", "a"], "version": ["2", "1"], "channel": ["email", "sms"], "placeholders": ["x", None]}
)


def test_the_same_content_lands_once(home: Home, rows: Callable[..., list[dict[str, Any]]]) -> None:
    assert land_table(home, "muster.templates", TEMPLATES, NOW)
    assert not land_table(home, "muster.templates", TEMPLATES.take([1, 0]), NOW + timedelta(days=1))
    assert [row["template"] for row in rows("muster.templates")] == ["a", "b"]


def test_content_that_returns_lands_again(home: Home, rows: Callable[..., list[dict[str, Any]]]) -> None:
    other = TEMPLATES.slice(0, 1)
    for day, table in enumerate((TEMPLATES, other, TEMPLATES)):
        assert land_table(home, "muster.templates", table, NOW + timedelta(days=day))
    assert len(rows("muster.templates")) == 5


def test_a_column_that_is_new_lands_the_same_rows_again(home: Home) -> None:
    assert land_table(home, "muster.templates", TEMPLATES, NOW)
    (file,) = (each for each in (home.landing / "muster" / "templates").glob("2*.parquet"))
    pq.write_table(pq.read_table(file).drop_columns(["valid_until"]), file)
    assert land_table(home, "muster.templates", TEMPLATES, NOW + timedelta(days=1))


def test_a_missing_or_unknown_column_is_refused(home: Home) -> None:
    with pytest.raises(LandingError, match="version"):
        land_table(home, "muster.templates", TEMPLATES.drop_columns(["version"]), NOW)
