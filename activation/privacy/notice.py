"""The privacy notice, generated: what is held, what each column is used for, for how long, and what people can ask.

It says what the project says of itself: the sources' goals and legal bases, the landing contract's limits, the
purposes of the marts' columns, what each channel may carry, and where live campaigns send. A lawyer completes it.
"""

from __future__ import annotations

import csv
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from activation.campaigns import load_campaigns
from activation.landing.contract import OWN_SOURCE, contract
from activation.privacy.export import source_purposes
from activation.privacy.identifiers import identifiers
from activation.settings import PROJECT, Sender

KINDS = {
    "identifier": "what identifies you",
    "self_reported": "what you told us",
    "behaviour": "what you did with us",
    "derived": "what we conclude from it",
}
RIGHTS = (
    "see and take along everything that is held on you, as files for machines and for people",
    "have it corrected",
    "have all of it erased, also from the audiences of advertising platforms; no later import brings it back",
    "object to marketing and to audience matching, on each channel, at any time: the link in each e-mail, STOP, a word",
    "complain to the data protection authority where you live",
)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Privacy notice</title>
<style>
body {{ max-width: 60rem; margin: 2rem auto; font-family: sans-serif }}
td, th {{ text-align: left; vertical-align: top; padding: .3rem }}
</style></head><body>
{}
</body></html>
"""


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and perhaps a table (its head first) or a list."""

    title: str
    text: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    points: tuple[str, ...] = ()


def notice(sender: Sender, project: Path = PROJECT) -> list[Section]:
    """All sections of the notice, in order. Raises ``ConfigurationError`` as campaigns and contract do."""
    return [
        Section(
            "Who we are", f"{sender.name}, {sender.postal_address}. Write to {sender.email} about your data."
        ),
        Section("What we hold, why, and for how long", table=tuple(_held())),
        Section("What it is used for", "By purpose, and nothing else.", table=tuple(_purposes(project))),
        Section(
            "What we never do with it",
            "What a message or an audience does not carry, whatever we know:",
            table=tuple(_refused(project)),
        ),
        Section(
            "Who gets it",
            "Those who deliver for us, by channel; each gets what its channel needs.",
            table=tuple(_recipients(project)),
        ),
        Section(
            "How it is decided who gets what",
            "By rules, and by scores of what you bought. For each decision about you we can say which rule it was, and "
            "what would change it. None has a legal effect on you.",
        ),
        Section("What you can ask of us", "You can, free of charge:", points=RIGHTS),
    ]


def as_markdown(sections: Sequence[Section]) -> str:
    """The notice as Markdown."""
    parts = ["# Privacy notice"]
    for section in sections:
        parts.append(f"## {section.title}")
        if section.text:
            parts.append(section.text)
        if section.table:
            head, *rows = section.table
            lines = [head, tuple("---" for _ in head), *rows]
            parts.append(
                "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
            )
        if section.points:
            parts.append("\n".join(f"- {point}" for point in section.points))
    return "\n\n".join(parts) + "\n"


def as_html(sections: Sequence[Section]) -> str:
    """The notice as one HTML page that loads nothing."""
    body = ["<h1>Privacy notice</h1>"]
    for section in sections:
        body.append(f"<h2>{html.escape(section.title)}</h2>")
        if section.text:
            body.append(f"<p>{html.escape(section.text)}</p>")
        if section.table:
            head, *rows = section.table
            lines = [_cells("th", head), *(_cells("td", row) for row in rows)]
            body.append(f"<table>{''.join(lines)}</table>")
        if section.points:
            body.append(
                "<ul>" + "".join(f"<li>{html.escape(point)}</li>" for point in section.points) + "</ul>"
            )
    return PAGE.format("\n".join(body))


def _cells(tag: str, row: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in row)}</tr>"


def _held() -> Iterator[tuple[str, ...]]:
    yield ("what", "from", "why", "legal basis", "for how long")
    purposes = source_purposes()
    for table in contract().values():
        meta = purposes.get(table.source, {})
        if table.source == OWN_SOURCE or not identifiers(table):
            continue
        days = table.retention.keep_days
        kept = f"{days} days" if days else "until erasure"
        yield (
            " ".join(table.row.split()), table.source, str(meta.get("goal", "")), str(meta.get("legal_basis", "")),
            f"{kept}: {table.retention.because}",
        )  # fmt: skip


def _purposes(project: Path) -> Iterator[tuple[str, ...]]:
    """Purposes and kinds with the columns of marts that are used for them."""
    yield ("purpose", "kind of data", "what")
    found: dict[tuple[str, str], set[str]] = {}
    for column, meta in _personal_columns(project):
        for purpose in meta.get("purposes") or ():
            found.setdefault((str(purpose), str(meta.get("data", ""))), set()).add(column)
    for purpose, kind in sorted(
        found, key=lambda pair: (pair[0], list(KINDS).index(pair[1]) if pair[1] in KINDS else 9)
    ):
        yield (
            _words(purpose),
            KINDS.get(kind, kind),
            ", ".join(_words(each) for each in sorted(found[purpose, kind])),
        )


def _personal_columns(project: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Personal columns of marts, each with its own meta over its model's."""
    for file in sorted((project / "models" / "marts").glob("*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", ()):
            of_model = (model.get("config") or {}).get("meta") or {}
            for column in model.get("columns", ()):
                meta = {**of_model, **((column.get("config") or {}).get("meta") or {})}
                if meta.get("personal"):
                    yield str(column["name"]), meta


def _refused(project: Path) -> Iterator[tuple[str, ...]]:
    yield ("channel", "purpose", "never", "because")
    with (project / "seeds" / "reference" / "channel_data.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["is_allowed"] == "false":
                kind = " ".join(filter(None, (row["recency"], KINDS.get(row["data"], row["data"]))))
                yield _words(row["channel"]), _words(row["purpose"]), kind, row["why"]


def _recipients(project: Path) -> Iterator[tuple[str, ...]]:
    yield ("destination", "for")
    found: dict[str, list[str]] = {}
    for campaign in load_campaigns(project).values():
        for destination in campaign.destinations:
            found.setdefault(destination, []).append(_words(campaign.name))
    for destination, campaigns in sorted(found.items()):
        yield _words(destination), ", ".join(campaigns)


def _words(name: str) -> str:
    return name.replace("_", " ")
