"""What the page is made of: sections of parts, and a part is one query with the way its rows are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of the query, how people call it, and how it is written (one of ``formats.FORMATS``)."""

    name: str
    label: str
    kind: str = "number"


@dataclass(frozen=True)
class Part:
    """A table, or a chart with the same rows as a table beneath it.

    ``sql`` reads schema ``reports`` alone and may use ``$month``, the first day of the report's month. ``empty`` is
    said where it finds no row.
    """

    title: str
    sql: str
    columns: tuple[Column, ...]
    chart: Spec | None = None
    note: str = ""
    empty: str = "There is nothing to show yet."


@dataclass(frozen=True)
class Section:
    """A question of a stakeholder; ``lead`` says what the figures mean, in a sentence or two."""

    key: str
    title: str
    lead: str
    parts: tuple[Part, ...] = field(default=())


def words(name: str, label: str) -> Column:
    """A column of names, written as words."""
    return Column(name, label, "words")
