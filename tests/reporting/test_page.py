"""The parts of the page: figures in words, charts as SVG, months."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from activation.errors import ConfigurationError
from activation.reporting.charts import bars, heat, svg
from activation.reporting.formats import FORMATS, written
from activation.reporting.publish import chosen_month
from activation.reporting.sections import SECTIONS

AS_OF = datetime(2026, 3, 17, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "share", "\N{EN DASH}"),
        (0, "number", "0"),
        (1234567, "number", "1,234,567"),
        (Decimal("0.1234"), "share", "12.3%"),
        (-0.071, "points", "\N{MINUS SIGN}7.1 points"),
        (-3, "signed", "\N{MINUS SIGN}3"),
        (0, "signed", "0"),
        (date(2026, 3, 1), "month", "Mar 2026"),
        ("aud_high_value_customers", "words", "High value customers"),
        (True, "yes", "yes"),
    ],
)
def test_a_figure_is_written_for_people(value: Any, kind: str, text: str) -> None:
    assert written(value, kind) == text


def test_every_part_is_written_in_ways_that_there_are() -> None:
    assert {column.kind for section in SECTIONS for part in section.parts for column in part.columns} <= set(
        FORMATS
    )
    assert len({section.key for section in SECTIONS}) == len(SECTIONS)


def test_a_chart_is_an_svg_with_names_of_its_own_and_no_address() -> None:
    rows = [{"name": "<b>one</b>", "people": Decimal(3)}, {"name": "two", "people": 5}]
    drawn = [svg(bars("name", "people"), rows, key) for key in ("a", "b")]
    for each in drawn:
        assert ET.fromstring(each).tag.endswith("svg")  # noqa: S314  # our own drawing
        assert "<b>" not in each
        assert not re.findall(r"https?://(?!www\.w3\.org/)", each)
    names = [set(re.findall(r'\bid="([^"]+)"', each)) for each in drawn]
    assert names[0].isdisjoint(names[1])


def test_a_heat_map_has_a_cell_for_each_row() -> None:
    rows = [{"month": m, "cohort": c, "share": 0.5} for m in range(3) for c in ("Jan", "Feb")]
    assert svg(heat("month", "cohort", "share", title="months"), rows, "h").count(">50%<") == 6


def test_the_month_is_that_of_the_warehouse_or_an_earlier_one() -> None:
    assert chosen_month(None, AS_OF) == date(2026, 3, 1)
    assert chosen_month("2026-03", AS_OF) == date(2026, 3, 1)
    assert chosen_month("2025-12", AS_OF) == date(2025, 12, 1)
    for wrong in ("2026-13", "March", "2026-3", "2026-04"):
        with pytest.raises(ConfigurationError, match=wrong):
            chosen_month(wrong, AS_OF)
