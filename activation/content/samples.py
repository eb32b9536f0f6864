"""A template with example values: what people look at before anybody gets it, and what is worth knowing of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from activation.content.rendering import render
from activation.errors import ConfigurationError
from activation.segments import segments
from activation.settings import PROJECT
from activation.types import Content

# RFC 5322, 2.1.1: a line should have no more than 78 characters, which is also about what mailboxes show.
SUBJECT_CHARACTERS = 78
HTML_BYTES = 102_400  # Gmail cuts a message off after this much, and with it the way out
TEST_MARK = "[TEST] "
LITERAL = re.compile(r"'([a-z0-9_]+)'")


@dataclass(frozen=True)
class Sample:
    """A message with example values. ``facts`` are what is worth knowing of it, as phrases."""

    template: str
    version: str
    channel: str
    purpose: str
    valid_until: date | None
    placeholders: tuple[str, ...]
    facts: tuple[str, ...]
    parts: Mapping[str, str]


def templates_of(
    name: str, contents: Mapping[str, Content], language: str | None = None, project: Path = PROJECT
) -> list[Content]:
    """The template ``name``, or all that the campaign of that name uses; each with its copies, or in one language.

    A campaign's templates are those that its SQL names, also by the beginning of their names, and those of its steps.
    Raises ``ConfigurationError`` where there is none.
    """
    names = {content.name for content in contents.values()}
    sql = project / "models" / "campaigns" / f"cmp_{name}.sql"
    if re.fullmatch(r"[a-z0-9_]+", name) and sql.exists():
        words = set(LITERAL.findall(sql.read_text(encoding="utf-8")))
        stems = tuple(word for word in words if word.endswith("_"))
        wanted = {each for each in names if each in words or (stems and each.startswith(stems))}
        with (project / "seeds" / "reference" / "sequence_steps.csv").open(
            newline="", encoding="utf-8"
        ) as file:
            wanted |= {row["template"] for row in csv.DictReader(file) if row["campaign"] == name} & names
    else:
        wanted = {content.name for content in contents.values() if name in {content.name, content.template}}
        language = language or (contents[name].language if name in contents else None)
    found = [each for _, each in sorted(contents.items()) if each.name in wanted]
    if language is not None:
        copies = {each.name: each for each in found if each.language in {None, language}}
        copies |= {each.name: each for each in found if each.language == language}
        found = list(copies.values())
    if not found:
        raise ConfigurationError(
            f"no template is called {name}, and no campaign of that name uses one; templates are "
            f"{', '.join(sorted(names))}"
        )
    return found


def sample_values(content: Content, fixed: Mapping[str, str]) -> dict[str, str]:
    """Example values of all placeholders: those of everybody as they are, and else the name in brackets."""
    return {name: fixed.get(name, f"[{name}]") for name in content.placeholders}


def sample(content: Content, fixed: Mapping[str, str]) -> Sample:
    """The message as a person would get it, with example values."""
    values = sample_values(content, fixed)
    parts = {part: render(content, part, values) for part in content.parts}
    return Sample(
        content.template, content.version, content.channel, content.purpose, content.valid_until,
        tuple(sorted(content.placeholders)), tuple(_facts(content, parts)), parts,
    )  # fmt: skip


def marked(content: Content) -> Content:
    """The same content, marked as a test in its subject, or where it has none at its beginning."""
    part = "subject" if "subject" in content.parts else "text"
    return replace(content, parts={**content.parts, part: TEST_MARK + content.parts[part]})


def _facts(content: Content, parts: Mapping[str, str]) -> list[str]:
    found = []
    subject, html = parts.get("subject", ""), parts.get("html", "")
    if subject:
        long = (
            f", over {SUBJECT_CHARACTERS}: mailboxes cut it off" if len(subject) > SUBJECT_CHARACTERS else ""
        )
        found.append(f"subject: {len(subject)} characters{long}")
    if html:
        size = len(html.encode())
        large = f", over {HTML_BYTES:,}: Gmail cuts it off" if size > HTML_BYTES else ""
        found.append(f"html: {size:,} bytes{large}")
    if content.channel == "sms":
        taken = segments(parts["text"])
        found.append(
            f"sms: {taken.count} of at most {content.max_segments} segments, {taken.units} units of {taken.encoding}"
        )
    return found
