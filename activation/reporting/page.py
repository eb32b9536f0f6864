"""The page: sections queried, drawn and put into one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from activation.errors import ConfigurationError
from activation.reporting.charts import svg
from activation.reporting.export import OFFLINE
from activation.reporting.formats import LEFT, written
from activation.reporting.parts import Part, Section
from activation.reporting.sections import HEADLINES, SECTIONS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """A part with its rows written out: ``cells`` are texts, ``drawing`` is the chart's SVG."""

    part: Part
    cells: tuple[tuple[str, ...], ...]
    drawing: Markup | None


@dataclass(frozen=True)
class Tile:
    """A headline figure with the month before."""

    label: str
    value: str
    before: str
    change: str
    tone: str


def render(database: Path, month: date, as_of: datetime, world: str) -> str:
    """The page on one month, from an export made by :func:`activation.reporting.export.export_reports`.

    Raises ``ConfigurationError`` where a report table is missing: then the warehouse is of another version.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with duckdb.connect(str(database), read_only=True, config=OFFLINE) as engine:
        sections = [(section, _shown(engine, section, month)) for section in SECTIONS]
        tiles = [_tile(row) for row in _rows(engine, HEADLINES, month)]
    return environment.get_template("report.html.j2").render(
        month=f"{month:%B %Y}",
        as_of=written(as_of, "moment"),
        is_over=(month.year, month.month) < (as_of.year, as_of.month),
        world=world,
        tiles=tiles,
        sections=sections,
        left=LEFT,
    )


def _shown(engine: duckdb.DuckDBPyConnection, section: Section, month: date) -> list[Shown]:
    shown = []
    for number, part in enumerate(section.parts, start=1):
        rows = _rows(engine, part.sql, month)
        cells = tuple(tuple(written(row[c.name], c.kind) for c in part.columns) for row in rows)
        drawing = None
        if part.chart is not None and rows:
            named = [c.name for c in part.columns if c.kind == "words"]
            worded = [
                {**row, **{name: written(row[name], "words") for name in named if row[name] is not None}}
                for row in rows
            ]
            # What a renderer draws of our own figures; every text in it was escaped by the renderer.
            drawing = Markup(svg(part.chart, worded, f"{section.key}{number}"))  # noqa: S704
        shown.append(Shown(part, cells, drawing))
    return shown


def _tile(row: Row) -> Tile:
    kind = str(row["unit"])
    of_shares = {"share": "points", "fine_share": "fine_points"}
    change = row["change" if kind in of_shares else "change_share"]
    better = {None: "", 0: "", 1: "better", -1: "worse"}[row["direction"]]
    return Tile(
        label=str(row["label"]),
        value=written(row["figure"], kind),
        before=written(row["figure_before"], kind),
        change="" if change is None else written(change, of_shares.get(kind, "signed_share")),
        tone=better,
    )


def _rows(engine: duckdb.DuckDBPyConnection, sql: str, month: date) -> Sequence[Row]:
    try:
        found = engine.execute(sql, {"month": month} if "$month" in sql else {})
        rows: list[Row] = found.to_arrow_table().to_pylist()
    except duckdb.CatalogException:
        raise ConfigurationError(
            "the warehouse has not all report tables: it was built by another version; `muster build` makes it anew"
        ) from None
    return rows
