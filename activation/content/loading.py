"""Message templates: read, checked and versioned.

A template is a folder named as campaigns name it, with a copy in another language beside it as ``<name>.<language>``.
Which files it has depends on its channel (``PARTS``). ``template.yml`` is optional and says what the files cannot:
``channel``, ``purpose``, ``valid_until`` and ``max_segments``. The only syntax is ``{{ name }}``; there are no
expressions, so a template can neither compute nor reach anything that SQL did not hand to it. E-mail may have a
``preheader.txt``, the line that mailboxes show beside the subject: it becomes the first, hidden text of the HTML.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from activation.content.syntax import placeholders
from activation.errors import ConfigurationError
from activation.segments import segments
from activation.types import MAX_SEGMENTS, PLACEHOLDER, Content

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SETTINGS, PREHEADER = "template.yml", "preheader.txt"
SUBJECT, HTML, TEXT = {"subject.txt": "subject"}, {"body.html": "html"}, {"body.txt": "text"}
# The files of a template by its channel, and the part that each holds.
PARTS: dict[str, dict[str, str]] = {
    "email": SUBJECT | HTML | TEXT,
    "sms": TEXT,
    "push": SUBJECT | TEXT,
    "mail": TEXT,
    "task": SUBJECT | TEXT,
    "support": TEXT,
    "social": TEXT,
}
PURPOSES = ("marketing", "service")
# What a message must carry by channel, purpose and part: for marketing a working way out, and for mail the privacy
# notice and an address.
ADDRESS = ("{{ privacy_url }}", "{{ postal_address }}")
LINKS = ("{{ unsubscribe_url }}", *ADDRESS)
REQUIRED: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("email", "marketing"): {"html": LINKS, "text": LINKS},
    ("email", "service"): {"html": ADDRESS, "text": ADDRESS},
    ("sms", "marketing"): {"text": ("STOP",)},
    ("sms", "service"): {"text": ("STOP",)},
}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
# RFC 5322, 2.1.1: a line has at most 998 octets, and the name of the field is on it.
MAX_SUBJECT_OCTETS = 998 - len("Subject: ")
MOST_SEGMENTS = 10  # of what carriers join reliably
BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
HIDDEN = '<div style="display: none; max-height: 0; overflow: hidden;">{}</div>'


@dataclass(frozen=True)
class Declared:
    """What ``template.yml`` says; ``None`` where it says nothing."""

    channel: str | None = None
    purpose: str | None = None
    valid_until: date | None = None
    max_segments: int | None = None


def load_templates(folder: Path = TEMPLATES) -> dict[str, Content]:
    """Every template under ``folder``, by the name of its own folder: each copy in a language is one.

    A copy takes from the default one what its ``template.yml`` does not say. Raises ``ConfigurationError`` naming
    the file, and the line where there is one, where a template is incomplete, holds foreign syntax, lacks what its
    message must carry, or where a copy has another channel or other placeholders than the default one.
    """
    contents: dict[str, Content] = {}
    # The default one sorts before its copies, as it is the beginning of their names.
    for path in sorted(folder.iterdir()):
        if path.is_dir() and _is_ours(path):
            contents[path.name] = _load(path, contents)
    return contents


def _is_ours(path: Path) -> bool:
    return not path.name.startswith((".", "_"))


def _load(folder: Path, known: Mapping[str, Content]) -> Content:
    name, dot, language = folder.name.partition(".")
    if dot and (not LANGUAGE.fullmatch(language) or name not in known):
        raise ConfigurationError(
            f"{folder}: after the dot comes a language, as in {name}.de or {name}.pt-BR, and {name} is there as well"
        )
    default = known[name] if dot else None
    files = {path.name: path for path in folder.iterdir() if _is_ours(path)}
    declared = _declared(files.pop(SETTINGS)) if SETTINGS in files else Declared()
    channel = declared.channel or (default.channel if default else _channel(files))
    purpose = declared.purpose or (default.purpose if default else PURPOSES[0])
    if default and (channel, purpose) != (default.channel, default.purpose):
        raise ConfigurationError(
            f"{folder / SETTINGS}: {name} is {default.purpose} by {default.channel}; a copy of it in another "
            "language is the same"
        )
    preheader = files.pop(PREHEADER, None) if channel == "email" else None
    parts = {part: _read(path) for path, part in _parts(folder, channel, files)}
    names = {part: placeholders(text, str(folder / _file(channel, part))) for part, text in parts.items()}
    if preheader is not None:
        line = _read(preheader)
        names["preheader"] = placeholders(line, str(preheader))
        parts["html"] = _with_preheader(parts["html"], line, preheader)
    for part, needs in REQUIRED.get((channel, purpose), {}).items():
        text = PLACEHOLDER.sub(r"{{ \1 }}", parts[part])
        for needed in needs:
            if needed not in text:
                file = folder / _file(channel, part)
                raise ConfigurationError(f"{file}: a {purpose} message must contain {needed}")
    digest = hashlib.sha256()
    for part, text in sorted(parts.items()):
        digest.update(f"{part}\0{text}\0".encode())
    content = Content(
        template=folder.name,
        version=digest.hexdigest()[:12],
        channel=channel,
        parts=parts,
        placeholders=frozenset().union(*names.values()),
        language=language or None,
        purpose=purpose,
        valid_until=declared.valid_until or (default.valid_until if default else None),
        max_segments=declared.max_segments or (default.max_segments if default else MAX_SEGMENTS),
    )
    _refuse_too_long(folder, content)
    if default:
        _compare(folder, content, default)
    return content


def _with_preheader(text: str, line: str, file: Path) -> str:
    if "\n" in line:
        raise ConfigurationError(f"{file}, line 2: a preheader is one line")
    hidden = HIDDEN.format(html.escape(line, quote=False))
    found = BODY.search(text)
    at = found.end() if found else 0
    return text[:at] + hidden + text[at:]


def _refuse_too_long(folder: Path, content: Content) -> None:
    """Refuse what is too long whatever its values are; with them, a connector refuses the row."""
    empty = {part: PLACEHOLDER.sub("", text) for part, text in content.parts.items()}
    if len(empty.get("subject", "").encode()) > MAX_SUBJECT_OCTETS:
        file = folder / _file(content.channel, "subject")
        raise ConfigurationError(f"{file}: a subject has at most {MAX_SUBJECT_OCTETS} octets (RFC 5322)")
    if content.channel == "sms" and segments(empty["text"]).count > content.max_segments:
        found = segments(empty["text"])
        raise ConfigurationError(
            f"{folder / _file('sms', 'text')}: takes {found.count} segments ({found.encoding}) and may take "
            f"{content.max_segments}; shorten it, or say `max_segments` in {SETTINGS}"
        )


def _compare(folder: Path, copy: Content, default: Content) -> None:
    """Make sure that a copy needs the fields that the campaign hands to the default one, and no other."""
    for having, lacking, problem in ((copy, default, "is not in"), (default, copy, "is missing; it is in")):
        for part, text in having.parts.items():
            for found in PLACEHOLDER.findall(text):
                if found not in lacking.placeholders:
                    file = folder / _file(copy.channel, part)
                    raise ConfigurationError(f"{file}: {{{{ {found} }}}} {problem} {default.template}")


def _channel(files: Mapping[str, Path]) -> str:
    return "email" if {"body.html", "subject.txt"} & set(files) else "sms"


def _parts(folder: Path, channel: str, files: Mapping[str, Path]) -> Iterator[tuple[Path, str]]:
    wanted = PARTS[channel]
    hint = f"{channel} has {', '.join(wanted)}; {SETTINGS} may say another `channel`"
    for name, path in sorted(files.items()):
        if name not in wanted:
            raise ConfigurationError(f"{path}: rename or remove it: {hint}")
    for name, part in sorted(wanted.items()):
        if name not in files:
            raise ConfigurationError(f"{folder / name} is missing: {hint}")
        yield files[name], part


def _file(channel: str, part: str) -> str:
    return next(name for name, held in PARTS[channel].items() if held == part)


def _declared(file: Path) -> Declared:
    try:
        found: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError(
            f"{file}, line {mark.line + 1 if mark else 1}: this is not valid YAML"
        ) from None
    allowed = {"channel": tuple(PARTS), "purpose": PURPOSES, "valid_until": (), "max_segments": ()}
    if not isinstance(found, dict) or not set(found) <= set(allowed):
        raise ConfigurationError(f"{file}: it says nothing but {', '.join(allowed)}")
    for key in ("channel", "purpose"):
        if key in found and found[key] not in allowed[key]:
            raise ConfigurationError(f"{file}: {key} is one of {', '.join(allowed[key])}")
    until = found.get("valid_until")
    if "valid_until" in found and (not isinstance(until, date) or isinstance(until, datetime)):
        raise ConfigurationError(f"{file}: valid_until is the last day, as in 2026-12-24")
    most = found.get("max_segments")
    if "max_segments" in found and (type(most) is not int or not 1 <= most <= MOST_SEGMENTS):
        raise ConfigurationError(f"{file}: max_segments is a number from 1 to {MOST_SEGMENTS}")
    return Declared(found.get("channel"), found.get("purpose"), until, most)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8: save it as UTF-8") from None
    if not text:
        raise ConfigurationError(f"{path} is empty")
    lines = text.splitlines()
    if path.name == "subject.txt" and len(lines) > 1:
        raise ConfigurationError(f"{path}, line 2: a subject is one line")
    return text
