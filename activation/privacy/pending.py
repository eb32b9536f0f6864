"""Erasures that are written down and not at their end: begun, or waiting for the sets that hold the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from activation.clock import naive_utc, parse_moment
from activation.errors import ConfigurationError
from activation.home import Home, fsync_directory, write_atomically
from activation.privacy.person import Person, Stay
from activation.privacy.register import Entry, folder
from activation.privacy.sets import HeldSet

PENDING = ".pending.json"


@dataclass(frozen=True)
class Erasure:
    """One erasure: its entry of the register, whom it is about, and the ``sets`` that it waits for.

    Where there are some, everything else is done. What is left are the identifiers that were sent to them: the next
    run needs them to take the person out.
    """

    entry: Entry
    person: Person
    sets: tuple[HeldSet, ...] = ()


def pending(home: Home) -> list[Erasure]:
    """All that are not at their end, by id. Raises ``ConfigurationError`` where one cannot be read."""
    return [_read(file) for file in sorted(folder(home).glob(f"*{PENDING}"))]


def write_pending(home: Home, erasure: Erasure) -> None:
    """Write an erasure down before it begins, or what it waits for."""
    entry, person = erasure.entry, erasure.person
    content = {
        "erasure_id": entry.erasure_id,
        "erased_at": entry.erased_at.isoformat(),
        "erased_by": entry.erased_by,
        "reason": entry.reason,
        "counts": dict(entry.counts),
        "customer_id": person.customer_id,
        "known": sorted(person.known),
        "stays": [(stay.device_id, stay.since.isoformat(), stay.until.isoformat()) for stay in person.stays],
        "shared": person.shared,
        "sets": [(held.destination, held.audience) for held in erasure.sets],
    }
    write_atomically(_place(home, entry.erasure_id), json.dumps(content).encode())


def end_pending(home: Home, erasure_id: str) -> None:
    """The erasure is at its end: what it was about is forgotten."""
    _place(home, erasure_id).unlink(missing_ok=True)
    fsync_directory(folder(home))


def _place(home: Home, erasure_id: str) -> Path:
    return folder(home) / f"{erasure_id}{PENDING}"


def _read(file: Path) -> Erasure:
    try:
        content: Mapping[str, object] = json.loads(file.read_text())
        return _erasure(content)
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is damaged: restore it from a backup, and erase again") from None


def _erasure(content: Mapping[str, object]) -> Erasure:
    known, stays, counts, sets = content["known"], content["stays"], content["counts"], content["sets"]
    if not (isinstance(known, list) and isinstance(stays, list) and isinstance(sets, list)):
        raise TypeError
    if not isinstance(counts, dict):
        raise TypeError
    entry = Entry(
        str(content["erasure_id"]),
        parse_moment(str(content["erased_at"])),
        str(content["erased_by"]),
        str(content["reason"]),
        {str(name): int(rows) for name, rows in counts.items()},
    )
    customer = content["customer_id"]
    person = Person(
        None if customer is None else str(customer),
        frozenset((str(kind), str(value)) for kind, value in known),
        tuple(
            Stay(str(device), naive_utc(parse_moment(since)), naive_utc(parse_moment(until)))
            for device, since, until in stays
        ),
        int(str(content["shared"])),
    )
    return Erasure(entry, person, tuple(HeldSet(str(each[0]), str(each[1])) for each in sets))
