"""Message templates: read, checked, versioned and rendered.

A template is a folder named as campaigns name it, with a copy in another language beside it as ``<name>.<language>``.
Which files it has depends on its channel (``PARTS``). ``template.yml`` is optional and says what the files cannot:
``channel``, ``purpose`` and ``valid_until``. The only syntax is ``{{ name }}``; there are no expressions, so a template
can neither compute nor reach anything that SQL did not hand to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from activation.errors import ConfigurationError
from activation.types import PLACEHOLDER, Content

TEMPLATES = Path(__file__).resolve().parent / "templates"
SETTINGS = "template.yml"
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
# What a message must carry by channel, purpose and part: for marketing a working way out, and for mail an address.
ADDRESS = ("{{ postal_address }}",)
LINKS = ("{{ unsubscribe_url }}", *ADDRESS)
REQUIRED: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("email", "marketing"): {"html": LINKS, "text": LINKS},
    ("email", "service"): {"html": ADDRESS, "text": ADDRESS},
    ("sms", "marketing"): {"text": ("STOP",)},
    ("sms", "service"): {"text": ("STOP",)},
}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
FOREIGN_SYNTAX = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
TEMPLATES_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("template", "name", "language", "channel", "purpose", "version")),
        ("placeholders", pa.string()),
        ("valid_until", pa.date32()),
    ]
)


@dataclass(frozen=True)
class Declared:
    """What ``template.yml`` says; ``None`` where it says nothing."""

    channel: str | None = None
    purpose: str | None = None
    valid_until: date | None = None


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


def unsubscribe_url(base: str, message_id: str, pepper: bytes, key_id: str) -> str:
    """Sign the link that takes one person off, for ``List-Unsubscribe`` (RFC 8058) and the message itself.

    The token is urlsafe base64, unpadded, of HMAC-SHA256(pepper, payload) followed by the payload, which
    is ``<key id>:<message id>``: it names no person, cannot be forged and does not expire.
    """
    payload = f"{key_id}:{message_id}".encode()
    signed = hmac.digest(pepper, payload, "sha256") + payload
    token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    return f"{base}{'&' if '?' in base else '?'}token={token}"


def unsubscribe_urls(base: str, message_ids: pa.ChunkedArray, pepper: bytes, key_id: str) -> pa.Array:
    """:func:`unsubscribe_url` for a column of message ids, in the same order."""
    urls = [unsubscribe_url(base, message_id, pepper, key_id) for message_id in message_ids.to_pylist()]
    return pa.array(urls, type=pa.string())


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
    parts = {part: _read(path) for path, part in _parts(folder, channel, files)}
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
        placeholders=frozenset(found for text in parts.values() for found in PLACEHOLDER.findall(text)),
        language=language or None,
        purpose=purpose,
        valid_until=declared.valid_until or (default.valid_until if default else None),
    )
    if default:
        _compare(folder, content, default)
    return content


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
    allowed = {"channel": tuple(PARTS), "purpose": PURPOSES, "valid_until": ()}
    if not isinstance(found, dict) or not set(found) <= set(allowed):
        raise ConfigurationError(f"{file}: it says nothing but {', '.join(allowed)}")
    for key in ("channel", "purpose"):
        if key in found and found[key] not in allowed[key]:
            raise ConfigurationError(f"{file}: {key} is one of {', '.join(allowed[key])}")
    until = found.get("valid_until")
    if "valid_until" in found and (not isinstance(until, date) or isinstance(until, datetime)):
        raise ConfigurationError(f"{file}: valid_until is the last day, as in 2026-12-24")
    return Declared(found.get("channel"), found.get("purpose"), until)


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
    for number, line in enumerate(lines, start=1):
        found = FOREIGN_SYNTAX.search(PLACEHOLDER.sub("\0", line))
        if found:
            raise ConfigurationError(
                f"{path}, line {number}: {found[0]} is not part of a placeholder; "
                "the only syntax is {{ name }} with a name of a-z and _, on one line"
            )
    return text
