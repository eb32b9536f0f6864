"""How a value of a report table is written for people. Nothing is computed here, only rounded and worded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"  # a figure that there is not, as a rate of nothing


def _number(value: Any) -> str:
    return f"{value:,.0f}"


def _decimal(value: Any) -> str:
    return f"{value:,.2f}"


def _fine_decimal(value: Any) -> str:
    return f"{value:,.4f}"


def _share(value: Any) -> str:
    return f"{value:.1%}"


def _fine_share(value: Any) -> str:
    return f"{value:.2%}"


def _signed(value: Any) -> str:
    return f"{value:+,.0f}".replace("-", MINUS) if round(value) else "0"


def _signed_share(value: Any) -> str:
    return f"{value:+.1%}".replace("-", MINUS)


def _signed_decimal(value: Any) -> str:
    return f"{value:+,.2f}".replace("-", MINUS)


def _points(value: Any) -> str:
    return f"{value * 100:+.1f}".replace("-", MINUS) + " points"


def _fine_points(value: Any) -> str:
    return f"{value * 100:+.2f}".replace("-", MINUS) + " points"


def _text(value: Any) -> str:
    return str(value)


def _words(value: Any) -> str:
    """A name of the warehouse as people say it: ``weekly_reactivation``, ``aud_vip``."""
    text = str(value).removeprefix("aud_").removeprefix("cmp_").replace("_", " ")
    return text[:1].upper() + text[1:]


def _date(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _month(value: date) -> str:
    return f"{value:%b %Y}"


def _moment(value: datetime) -> str:
    return f"{value.day} {value:%b %Y %H:%M} UTC"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


FORMATS: dict[str, Callable[[Any], str]] = {
    "number": _number,
    "decimal": _decimal,
    "fine_decimal": _fine_decimal,
    "share": _share,
    "fine_share": _fine_share,
    "signed": _signed,
    "signed_share": _signed_share,
    "signed_decimal": _signed_decimal,
    "points": _points,
    "fine_points": _fine_points,
    "text": _text,
    "words": _words,
    "date": _date,
    "month": _month,
    "moment": _moment,
    "yes": _yes,
}
LEFT = frozenset(
    {"text", "words", "date", "month", "moment", "yes"}
)  # the others are figures and stand right


def written(value: Any, kind: str) -> str:
    """The value as text; a dash where there is none. ``kind`` is one of ``FORMATS``."""
    return NOTHING if value is None else FORMATS[kind](value)


def plain(value: Any) -> Any:
    """The value as JSON for a chart."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
