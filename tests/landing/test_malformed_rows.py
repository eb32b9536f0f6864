"""A thousand malformed rows: all accounted for, the good rows as they were, and none of it in anything that is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from malformed import Malformed, thousand

from activation.home import Home
from activation.landing.contract import contract
from activation.landing.load import land

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Drop = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("index", range(3), ids=["csv", "jsonl", "parquet"])
def test_malformed_rows_are_accounted_for_and_good_ones_unaffected(
    home: Home, drop: Drop, rows: Rows, index: int
) -> None:
    made = thousand()[index]
    drop(made.table, made.name, made.content)
    (report,) = land(home, NOW).files
    assert (report.read, report.landed, report.quarantined) == (
        len(made.good) + len(made.bad),
        len(made.good),
        len(made.bad),
    )
    assert sum(report.reasons.values()) == len(made.bad)
    good_rows_are_as_given(made, rows(made.table))
    every_bad_row_has_file_row_column_and_reason(made, rows(made.table, "quarantine"))
    (load,) = rows("muster.loads")
    assert (load["rows_read"], load["rows_landed"], load["rows_quarantined"], load["first_bad_row"]) == (
        report.read, report.landed, report.quarantined, min(made.bad),
    )  # fmt: skip


def good_rows_are_as_given(made: Malformed, landed: list[dict[str, Any]]) -> None:
    given = [{key: value for key, value in row.items() if key != "note"} for row in made.good]
    columns = {column.name: column.type for column in contract()[made.table].columns}
    found = [{name: as_given(row[name], columns[name]) for name in given[0]} for row in landed]
    expected = [{name: as_given(value, columns[name]) for name, value in row.items()} for row in given]
    assert [row for row, other in zip(found, expected, strict=True) if row != other] == []


def as_given(value: Any, kind: str) -> str | None:
    """One text for a value that was given as a text and landed typed."""
    if value is None:
        return None
    return f"{float(value):.4f}" if kind in {"decimal", "int"} else str(value)


def every_bad_row_has_file_row_column_and_reason(made: Malformed, set_aside: list[dict[str, Any]]) -> None:
    assert [row["row_number"] for row in set_aside] == sorted(made.bad)
    columns = {None, *contract()[made.table].column_names}
    for row in set_aside:
        assert row["_source_file"] == made.name
        assert row["reason"]
        assert row["column"] in columns
        assert made.bad[row["row_number"]] in row["raw"]


def test_they_are_a_thousand_of_every_kind() -> None:
    assert sum(len(made.bad) for made in thousand()) == 1000


def test_the_same_files_again_change_nothing(home: Home, drop: Drop, rows: Rows) -> None:
    for made in thousand()[1:]:
        for hour in range(2):
            drop(made.table, made.name, made.content)
            land(home, NOW + timedelta(hours=hour))
        assert len(rows(made.table)) == len(made.good)
        assert len(rows(made.table, "quarantine")) == len(made.bad)
