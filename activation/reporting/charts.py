"""Charts as Vega-Lite specifications, and the SVG that vl-convert draws of them, offline.

Each function here gives a specification that names the columns it shows; the rows are those of one query. Colours are
told apart without red and green (Okabe and Ito 2008), and every chart stands beside a table of the same numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from activation.reporting.formats import plain

VEGA_LITE = "6.4"
INK, MUTED, LINE = "#1b2a38", "#54657a", "#e3e8ee"
COLOURS = ("#0b6e75", "#d98200", "#7a5195", "#4f9fcf", "#b5473c", "#8a8f98", "#6b8e23", "#c98bb9", "#3d5a80")
# The steps of a waterfall always look alike, whichever of them there are.
VERDICTS = {
    "All": COLOURS[5],
    "Left out": COLOURS[1],
    "Left alone to measure": COLOURS[2],
    "Not now": COLOURS[3],
    "To send": COLOURS[0],
}
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif"
WIDTH = 780
ROW = 24  # pixels of height for each bar

Rows = Sequence[Mapping[str, Any]]
Spec = dict[str, Any]

CONFIG: Spec = {
    "font": FONT,
    "background": None,
    "view": {"stroke": None},
    "range": {"category": list(COLOURS)},
    "axis": {
        "labelColor": MUTED, "titleColor": MUTED, "titleFontWeight": "normal", "labelFontSize": 12,
        "titleFontSize": 12, "gridColor": LINE, "domain": False, "ticks": False, "labelPadding": 6, "labelLimit": 260,
    },
    "legend": {
        "orient": "top", "title": None, "labelColor": INK, "labelFontSize": 12, "symbolType": "circle",
        "labelLimit": 300, "offset": 8,
    },
    "bar": {"cornerRadiusEnd": 2},
    "line": {"strokeWidth": 2.5},
    "text": {"color": INK, "fontSize": 12},
}  # fmt: skip


def svg(chart: Spec, rows: Rows, key: str) -> str:
    """Draw the chart; ``key`` keeps its inner names apart from those of other charts on the page."""
    import vl_convert  # noqa: PLC0415  # loads a whole renderer, which only a report needs

    values = [{name: plain(value) for name, value in row.items()} for row in rows]
    spec = {"data": {"values": values}, "width": WIDTH, "config": CONFIG} | chart
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=VEGA_LITE)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", drawn)


def _axis(form: str) -> Spec:
    """An axis of figures; where they are whole numbers, what lies between them has no label."""
    whole = {"tickMinStep": 1, "labelExpr": "datum.value % 1 ? '' : datum.label"} if form == ",.0f" else {}
    return {"format": form, "tickCount": 5, **whole}


def bars(label: str, value: str, *, form: str = ",.0f", colour: str | None = None, title: str = "") -> Spec:
    """One horizontal bar for each row, in the order of the rows; ``colour`` names a column of kinds."""
    y = {"field": label, "type": "nominal", "sort": None, "title": None, "axis": {"grid": False}}
    x = {
        "field": value,
        "type": "quantitative",
        "title": title or None,
        "axis": _axis(form),
    }
    painted = {"color": {"field": colour, "type": "nominal"}} if colour else {"color": {"value": COLOURS[0]}}
    return {
        "height": {"step": ROW},
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": {"type": "bar"}, "encoding": painted},
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {"text": {"field": value, "type": "quantitative", "format": form}},
            },
        ],
    }


def stacked(label: str, value: str, kind: str, *, form: str = ",.0f") -> Spec:
    """One horizontal bar for each ``label``, made of the ``kind`` of its rows."""
    return {
        "height": {"step": ROW},
        "mark": "bar",
        "encoding": {
            "y": {"field": label, "type": "nominal", "sort": None, "title": None},
            "x": {
                "field": value,
                "type": "quantitative",
                "title": None,
                "axis": _axis(form),
            },
            "color": {"field": kind, "type": "nominal", "sort": None},
            "order": {"field": "place", "type": "quantitative"},
        },
    }


def columns(when: str, value: str, *, kind: str | None = None, form: str = ",.0f", title: str = "") -> Spec:
    """One upright bar for each month in ``when``, stacked by ``kind`` where one is named."""
    encoding: Spec = {
        "x": {"field": when, "timeUnit": "utcyearmonth", "type": "ordinal", "title": None,
              "axis": {"format": "%b %y", "labelAngle": 0, "labelOverlap": True}},
        "y": {"field": value, "type": "quantitative", "title": title or None,
              "axis": _axis(form)},
        "color": {"field": kind, "type": "nominal", "sort": None} if kind else {"value": COLOURS[0]},
    }  # fmt: skip
    return {"height": 220, "mark": "bar", "encoding": encoding}


def lines(when: str, value: str, kind: str, *, form: str = ",.0f", title: str = "") -> Spec:
    """One line over time for each ``kind``; points where there is one moment alone."""
    return {
        "height": 220,
        "mark": {"type": "line", "point": {"size": 36, "filled": True}},
        "encoding": {
            "x": {"field": when, "type": "temporal", "scale": {"type": "utc"}, "title": None,
                  "axis": {"format": "%d %b", "grid": False, "tickCount": 8, "labelOverlap": True}},
            "y": {"field": value, "type": "quantitative", "title": title or None,
                  "axis": _axis(form)},
            "color": {"field": kind, "type": "nominal", "sort": None},
        },
    }  # fmt: skip


def heat(across: str, down: str, value: str, *, title: str) -> Spec:
    """A cell for each row, darker for more; the share is written into it."""
    return {
        "height": {"step": ROW},
        "width": {"step": 54},
        "encoding": {
            "x": {"field": across, "type": "ordinal", "title": title, "axis": {"orient": "top", "labelAngle": 0}},
            "y": {"field": down, "type": "nominal", "sort": None, "title": None},
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "white", "strokeWidth": 1.5},
                "encoding": {
                    "color": {"field": value, "type": "quantitative", "legend": None,
                              "scale": {"range": ["#eef5f5", "#0b6e75"], "domain": [0, 1]}}
                },
            },
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {
                    "text": {"field": value, "type": "quantitative", "format": ".0%"},
                    "color": {"condition": {"test": f"datum['{value}'] > 0.55", "value": "white"}, "value": INK},
                },
            },
        ],
    }  # fmt: skip


def steps(label: str, start: str, end: str, kind: str) -> Spec:
    """A waterfall: each row is a bar from ``start`` to ``end`` under the ones before it."""
    return {
        "height": {"step": ROW},
        "encoding": {"y": {"field": label, "type": "nominal", "sort": None, "title": None}},
        "layer": [
            {
                "mark": "bar",
                "encoding": {
                    "x": {
                        "field": start,
                        "type": "quantitative",
                        "title": "people",
                        "axis": _axis(",.0f"),
                    },
                    "x2": {"field": end},
                    "color": {
                        "field": kind,
                        "type": "nominal",
                        "sort": None,
                        "scale": {"domain": list(VERDICTS), "range": list(VERDICTS.values())},
                    },
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {
                    "x": {"field": start, "type": "quantitative"},
                    "text": {"field": "people", "type": "quantitative", "format": ",.0f"},
                },
            },
        ],
    }


def intervals(label: str, middle: str, lower: str, upper: str, *, form: str, title: str) -> Spec:
    """A point with its interval for each row, and a line at nothing."""
    y = {"field": label, "type": "nominal", "sort": None, "title": None, "axis": {"grid": False}}
    return {
        "height": {"step": ROW},
        "layer": [
            {
                "mark": {"type": "rule", "color": MUTED, "strokeDash": [3, 3]},
                "encoding": {"x": {"datum": 0}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2.5, "color": COLOURS[0]},
                "encoding": {
                    "y": y,
                    "x": {
                        "field": lower,
                        "type": "quantitative",
                        "title": title,
                        "axis": {"format": form},
                    },
                    "x2": {"field": upper},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "color": COLOURS[0]},
                "encoding": {"y": y, "x": {"field": middle, "type": "quantitative"}},
            },
        ],
    }
