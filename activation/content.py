"""Message templates: read, checked, versioned and rendered.

A template is a folder named like its campaign's template: ``subject.txt``, ``body.html`` and ``body.txt``
for e-mail, ``body.txt`` alone for SMS. Its only syntax is ``{{ name }}``; there are no expressions, so a
template can neither compute nor reach anything that SQL did not hand to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from activation.errors import ConfigurationError
from activation.types import PLACEHOLDER, Content

TEMPLATES = Path(__file__).resolve().parent / "templates"
FILES = {"subject.txt": "subject", "body.html": "html", "body.txt": "text"}
# What a marketing message must carry, by channel and part: a working way out, and for mail an address.
LINKS = ("{{ unsubscribe_url }}", "{{ postal_address }}")
REQUIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "email": {"html": LINKS, "text": LINKS},
    "sms": {"text": ("STOP",)},
}
FOREIGN_SYNTAX = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
TEMPLATES_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("template", "channel", "version", "placeholders")]
)


def load_templates(folder: Path = TEMPLATES) -> dict[str, Content]:
    """Every template under ``folder``, by name.

    Raises ``ConfigurationError`` naming file and line where one is incomplete, holds foreign syntax, or
    lacks what a marketing message must carry.
    """
    return {path.name: _load(path) for path in sorted(folder.iterdir()) if path.is_dir() and _is_ours(path)}


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
            "channel": content.channel,
            "version": content.version,
            "placeholders": ",".join(sorted(content.placeholders)),
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


def _load(folder: Path) -> Content:
    files = {path.name: path for path in folder.iterdir() if _is_ours(path)}
    for name, path in files.items():
        if name not in FILES:
            raise ConfigurationError(f"{path}: a template has only {', '.join(FILES)}; rename or remove it")
    channel = "sms" if set(files) == {"body.txt"} else "email"
    for name in FILES if channel == "email" else ():
        if name not in files:
            raise ConfigurationError(
                f"{folder / name} is missing: e-mail needs {', '.join(FILES)}, SMS needs body.txt alone"
            )
    parts = {FILES[name]: _read(path) for name, path in sorted(files.items())}
    for name, path in files.items():
        for needed in REQUIRED[channel].get(FILES[name], ()):
            text = PLACEHOLDER.sub(r"{{ \1 }}", parts[FILES[name]])
            if needed not in text:
                raise ConfigurationError(f"{path}: a marketing message must contain {needed}")
    digest = hashlib.sha256()
    for part, text in sorted(parts.items()):
        digest.update(f"{part}\0{text}\0".encode())
    return Content(
        template=folder.name,
        version=digest.hexdigest()[:12],
        channel=channel,
        parts=parts,
        placeholders=frozenset(name for text in parts.values() for name in PLACEHOLDER.findall(text)),
    )


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
