"""Content as one person gets it, and as the build reads of it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import pyarrow as pa

from activation.types import Content

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
TEMPLATES_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("template", "name", "language", "channel", "purpose", "version")),
        ("placeholders", pa.string()),
        ("valid_until", pa.date32()),
    ]
)


def render(content: Content, part: str, fields: Mapping[str, str]) -> str:
    """One person's text of one part: values are escaped in ``html``, and a ``subject`` stays one line.

    Raises ``ConfigurationError`` where a field is missing; it names the placeholder, not the person.
    """
    clean = {"html": lambda value: html.escape(value, quote=True), "subject": one_line}.get(part, str)
    return content.fill(part, {name: clean(value) for name, value in fields.items()})


def one_line(value: str) -> str:
    """Rid a value of line breaks and control characters: a subject must not open a new mail header."""
    return CONTROL.sub(" ", value).strip()


def templates_table(contents: Mapping[str, Content]) -> pa.Table:
    """Tabulate what lands as ``muster.templates``; its placeholders are sorted and joined by commas."""
    rows = [
        {
            "template": content.template,
            "name": content.name,
            "language": content.language,
            "channel": content.channel,
            "purpose": content.purpose,
            "version": content.version,
            "placeholders": ",".join(sorted(content.placeholders)),
            "valid_until": content.valid_until,
        }
        for _, content in sorted(contents.items())
    ]
    return pa.Table.from_pylist(rows, schema=TEMPLATES_SCHEMA)
