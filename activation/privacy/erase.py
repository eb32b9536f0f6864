"""Erasure: everything that is held on one person goes, and a register of digests keeps it from coming back.

It is written down before it begins. Killed at any moment, it is carried on by the next erasure, whoever's: to the
same end.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from activation import settings
from activation.clock import naive_utc, parse_moment
from activation.errors import ConfigurationError, HeldError
from activation.home import Home, fsync_directory, write_atomically
from activation.landing.contract import OnErasure, Table, contract
from activation.privacy.identifiers import PROFILE, PSEUDONYM, identifiers
from activation.privacy.person import (
    Person,
    Stay,
    contact_of,
    find_person,
    person_condition,
    register_person,
)
from activation.privacy.register import Entry, entry_of, folder, read_register, write_entry
from activation.privacy.rewrite import (
    counted_by_file,
    drop_warehouse,
    opened,
    record_removal,
    with_value,
    without,
)
from activation.privacy.set_aside import Search, row_files, rows_of_person, take_out, whole_files

REMOVED, PSEUDONYMISED, KEPT = "removed", "pseudonymised", "kept"
WORDS = {OnErasure.REMOVE: REMOVED, OnErasure.PSEUDONYMISE: PSEUDONYMISED, OnErasure.KEEP: KEPT}
PENDING = ".pending.json"


@dataclass(frozen=True)
class Erasure:
    """One erasure: its entry of the register, and whom it is about."""

    entry: Entry
    person: Person


def erase(
    home: Home,
    *,
    who: str | None,
    address: str | None,
    reason: str,
    by: str,
    now: datetime,
    dry_run: bool = False,
) -> Erasure:
    """Erase the person called ``who`` (a customer or profile id), or who has an e-mail address or number.

    Raises ``ConfigurationError`` where nobody or nothing is found, or the person cannot be told for certain;
    ``HeldError`` where files wait in the inbox, or somebody lands or builds.
    """
    with opened(home, changing=not dry_run) as connection:
        read_register(home)  # a wrong pepper is noticed before anything is done
        settings.pepper(home)
        if not dry_run:
            carried_on = [_carry_out(home, connection, _read(file)) for file in _pending(home)]
            for erasure in carried_on:
                if _is_about(erasure.person, who, address):
                    return erasure
        _refuse_waiting(home)
        person = find_person(connection, home, who, address)
        counts = _count(home, connection, person)
        if not any(rows for name, rows in counts.items() if not name.startswith(KEPT)):
            raise ConfigurationError(_nothing(home, person))
        erasure = Erasure(Entry(uuid.uuid4().hex[:12], now, by, reason, counts), person)
        if not dry_run:
            _write(home, erasure)
            _carry_out(home, connection, erasure)
        return erasure


def _carry_out(home: Home, connection: duckdb.DuckDBPyConnection, erasure: Erasure) -> Erasure:
    """Do what is written down; each step may have been done before."""
    entry, person = erasure.entry, erasure.person
    write_entry(home, entry, person.known)  # from here on nobody brings the person back
    register_person(connection, person)
    for table in _tables():
        condition = person_condition(table)
        removed = entry.counts.get(f"{REMOVED} {table.name}", 0)
        if table.on_erasure is OnErasure.REMOVE and removed:
            record_removal(home, entry.erasure_id, table, reason="erasure", rows=removed, now=entry.erased_at)
        for file in counted_by_file(connection, home, table, condition):
            if table.on_erasure is OnErasure.REMOVE:
                without(connection, file, condition)
            elif table.on_erasure is OnErasure.PSEUDONYMISE:
                with_value(connection, file, condition, "profile_id", PSEUDONYM)
    search = Search(person)
    for file in row_files(home):
        take_out(file, search)
    for file in whole_files(home, search):
        file.unlink()
        fsync_directory(file.parent)
    drop_warehouse(home)
    _place(home, entry.erasure_id).unlink(missing_ok=True)
    fsync_directory(folder(home))
    return erasure


def _count(home: Home, connection: duckdb.DuckDBPyConnection, person: Person) -> dict[str, int]:
    """Rows by what becomes of them and table, and what of quarantine goes."""
    register_person(connection, person)
    counts = {}
    for table in _tables():
        rows = sum(counted_by_file(connection, home, table, person_condition(table)).values())
        if rows:
            counts[f"{WORDS[table.on_erasure]} {table.name}"] = rows
    search = Search(person)
    quarantined = sum(len(rows_of_person(file, search)) for file in row_files(home))
    files = len(whole_files(home, search))
    return counts | {
        f"{REMOVED} {name}": found
        for name, found in (("quarantined rows", quarantined), ("quarantined files", files))
        if found
    }


def _tables() -> Iterator[Table]:
    return (table for table in contract().values() if identifiers(table))


def _is_about(person: Person, who: str | None, address: str | None) -> bool:
    if address is not None:
        return contact_of(address) in person.known
    return who in {person.customer_id, *person.values(PROFILE)}


def _nothing(home: Home, person: Person) -> str:
    earlier = [entry_of(home, PROFILE, profile) for profile in person.values(PROFILE)]
    erased = next(filter(None, earlier), None)
    if erased:
        return (
            f"this person was erased on {erased[1]:%Y-%m-%d} (erasure {erased[0]}): nothing is held any more"
        )
    return "nothing is held on this person: no row of the landing zone or of quarantine is about them"


def _refuse_waiting(home: Home) -> None:
    waiting = [
        file
        for file in home.inbox.rglob("*")
        if file.is_file() and not file.name.startswith(".") and file.suffix != ".tmp"
    ]
    if waiting:
        raise HeldError(
            f"{len(waiting)} files wait in {home.inbox}, and the person may be in them: `muster land` first; move "
            "away what it leaves there"
        )


def _pending(home: Home) -> list[Path]:
    return sorted(folder(home).glob(f"*{PENDING}"))


def _place(home: Home, erasure_id: str) -> Path:
    return folder(home) / f"{erasure_id}{PENDING}"


def _write(home: Home, erasure: Erasure) -> None:
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
    }
    write_atomically(_place(home, entry.erasure_id), json.dumps(content).encode())


def _read(file: Path) -> Erasure:
    try:
        content: Mapping[str, object] = json.loads(file.read_text())
        return _erasure(content)
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is damaged: restore it from a backup, and erase again") from None


def _erasure(content: Mapping[str, object]) -> Erasure:
    known, stays, counts = content["known"], content["stays"], content["counts"]
    if not (isinstance(known, list) and isinstance(stays, list) and isinstance(counts, dict)):
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
    return Erasure(entry, person)
