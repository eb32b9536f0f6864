"""What a source of feedback is: how its documents are come by, and the SQL that reads events from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from activation.home import Home

Cursor = Mapping[str, str]


@dataclass(frozen=True)
class Document:
    """One text as it came: a page of an API, a file, or a line of one.

    ``via`` says how to read it, ``arrived`` when it came: the time of an event that states none. ``fault`` is why it
    cannot be read at all.
    """

    via: str
    text: str
    arrived: datetime
    fault: str | None = None


@dataclass(frozen=True)
class Pulled:
    """What an API gave. ``cursor`` is where the next pull begins; ``problem`` is why this one ended early."""

    documents: tuple[Document, ...]
    cursor: Cursor = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Source:
    """Where feedback comes from. ``table`` is of the landing contract, ``contact`` its column that holds an address.

    ``sql`` reads events from ``documents (number, via, text, arrived, fault)``: one row for each record, with
    ``number, record`` (its text), ``event_id`` (what tells it from every other; null where nothing does),
    ``message_id, provider_id, contact, event, detail, occurred_at``, ``proof`` (``accepted`` or ``refused`` where the
    event says that the provider took the message, or never did) and ``fault`` (why it cannot be used). A row without
    ``event`` and ``fault`` is no feedback. ``pull`` and ``read`` are null where there is no such way.
    """

    name: str
    table: str
    contact: str
    sql: str
    pull: Callable[[Home, Cursor, datetime], Pulled] | None = None
    read: Callable[[Path, datetime], Iterator[Document]] | None = None


@dataclass(frozen=True)
class Collected:
    """What one source gave: each event read is new, repeated, foreign, set aside, or no feedback at all.

    ``foreign`` events are about messages that are not ours, and name no address. ``resolved`` rows were in doubt,
    and ``in_doubt`` are still; null where nothing was looked for.
    ``problem`` says why not everything could be read.
    """

    source: str
    read: int = 0
    new: int = 0
    repeated: int = 0
    foreign: int = 0
    set_aside: int = 0
    ignored: int = 0
    resolved: int = 0
    in_doubt: int | None = None
    problem: str | None = None
    is_configured: bool = True


def each_line(path: Path, via: str, arrived: datetime) -> Iterator[Document]:
    """One document for each line of a file that is not empty; a byte that is no UTF-8 is a fault of its line."""
    with path.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                yield Document(via, line.decode("utf-8").strip(), arrived)
            except UnicodeDecodeError:
                yield Document(via, line.decode("utf-8", "backslashreplace").strip(), arrived, "not UTF-8")
