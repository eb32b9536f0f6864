"""Erasure: everything that is held on one person goes, and a register of digests keeps it from coming back.

It is written down before it begins. Killed at any moment, it is carried on by the next erasure, whoever's: to the
same end. A person who is possibly in a set at some destination is erased in two steps: everything goes at once but
the identifiers that were sent there, by which the next run takes them out; these go when no set holds the person.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import duckdb

from activation import settings
from activation.errors import ConfigurationError, HeldError
from activation.frozen import Kind
from activation.home import Home, fsync_directory
from activation.landing.contract import OnErasure, Table, contract
from activation.privacy import drops
from activation.privacy.deliveries import forget_provider_ids, undelivered, withdraw
from activation.privacy.identifiers import PROFILE, PSEUDONYM, identifiers
from activation.privacy.ledger import Job, campaigns_with, counts_of, outbox_positions, rewrite_ledger
from activation.privacy.pending import Erasure, end_pending, pending, write_pending
from activation.privacy.person import Person, contact_of, find_person, person_condition, register_person
from activation.privacy.register import Entry, entry_of, read_register, write_entry
from activation.privacy.rewrite import (
    counted_by_file,
    drop_warehouse,
    opened,
    record_removal,
    with_value,
    without,
)
from activation.privacy.set_aside import Search, row_files, rows_of_person, take_out, whole_files
from activation.privacy.sets import sets_holding

__all__ = ["Erasure", "erase", "finish"]

REMOVED, PSEUDONYMISED, KEPT = "removed", "pseudonymised", "kept"
WORDS = {OnErasure.REMOVE: REMOVED, OnErasure.PSEUDONYMISE: PSEUDONYMISED, OnErasure.KEEP: KEPT}


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
    ``HeldError`` where files wait in the inbox, or somebody lands, builds or delivers to the person.
    """
    with opened(home, changing=not dry_run) as connection:
        read_register(home)  # a wrong pepper is noticed before anything is done
        settings.pepper(home)
        if not dry_run:
            for erasure in [_go_on(home, connection, each) for each in pending(home)]:
                if _is_about(erasure.person, who, address):
                    return erasure
        _refuse_waiting(home)
        person = find_person(connection, home, who, address)
        counts = _count(home, connection, person)
        if not any(rows for name, rows in counts.items() if not name.startswith(KEPT)):
            raise ConfigurationError(_nothing(home, person))
        entry = Entry(uuid.uuid4().hex[:12], now, by, reason, counts)
        erasure = Erasure(entry, person, sets_holding(connection, home) if dry_run else ())
        if not dry_run:
            write_pending(home, erasure)
            return _carry_out(home, connection, erasure)
        return erasure


def finish(home: Home, *, anyway: str | None = None) -> list[Erasure]:
    """Go on with all erasures that are not at their end; those with ``sets`` still wait for them.

    With ``anyway``, a reason, they wait no longer: the identifiers that were sent go although a set may hold the
    person, whom only the destination can take out then. The reason is kept in the register.
    """
    with opened(home, changing=True) as connection:
        read_register(home)
        return [_go_on(home, connection, each, anyway) for each in pending(home)]


def _go_on(
    home: Home, connection: duckdb.DuckDBPyConnection, erasure: Erasure, anyway: str | None = None
) -> Erasure:
    if not erasure.sets:
        erasure = _carry_out(home, connection, erasure)
    return _leave_sets(home, connection, erasure, anyway) if erasure.sets else erasure


def _carry_out(home: Home, connection: duckdb.DuckDBPyConnection, erasure: Erasure) -> Erasure:
    """Do what is written down; each step may have been done before."""
    entry, person = erasure.entry, erasure.person
    register_person(connection, person)
    with undelivered(home, campaigns_with(connection, home)):
        write_entry(home, entry, person.known)  # from here on nobody brings the person back
        _erase_deliveries(home, connection, entry)
        _erase_landed(home, connection, entry)
        search = Search(person)
        for file in row_files(home):
            take_out(file, search)
        for file in whole_files(home, search):
            file.unlink()
            fsync_directory(file.parent)
        drops.take_out(home, person, entry.erasure_id, removals=False)
        drop_warehouse(home)
    waiting = replace(erasure, sets=sets_holding(connection, home))
    if waiting.sets:
        write_pending(home, waiting)
        return waiting
    return _forget_sets(home, connection, erasure)


def _leave_sets(
    home: Home, connection: duckdb.DuckDBPyConnection, erasure: Erasure, anyway: str | None
) -> Erasure:
    """End an erasure that waited, where no set holds the person any more, or ``anyway``."""
    register_person(connection, erasure.person)
    held = sets_holding(connection, home)
    if held and not anyway:
        return replace(erasure, sets=held)
    if held:
        told = "; ".join(f"{each.destination} {each.audience}" for each in held)
        entry = replace(erasure.entry, reason=f"{erasure.entry.reason}; ended although in {told}: {anyway}")
        erasure = replace(erasure, entry=entry)
        write_entry(home, entry, erasure.person.known)
    return _forget_sets(home, connection, erasure)


def _forget_sets(home: Home, connection: duckdb.DuckDBPyConnection, erasure: Erasure) -> Erasure:
    entry = erasure.entry
    with undelivered(home, campaigns_with(connection, home)):
        withdraw(home, outbox_positions(connection, home))
        rewrite_ledger(Job(connection, home, entry.erasure_id, entry.erased_at), of_sets=True)
        drops.take_out(home, erasure.person, entry.erasure_id, removals=True)
        drop_warehouse(home)
    end_pending(home, entry.erasure_id)
    return replace(erasure, sets=())


def _erase_deliveries(home: Home, connection: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Nothing planned leaves any more; frozen runs and receipts lose the person, sets only where nothing was sent."""
    messages = {key: at for key, at in outbox_positions(connection, home).items() if key[1] is Kind.MESSAGE}
    additions = {
        key: at
        for key, at in outbox_positions(connection, home, "operation = 'add'").items()
        if key[1] is Kind.MEMBERSHIP
    }
    sent = withdraw(home, messages | additions)
    forget_provider_ids(home, messages)
    rewrite_ledger(
        Job(connection, home, entry.erasure_id, entry.erased_at),
        of_sets=False,
        keep=lambda run_id: frozenset(sent.get((run_id, Kind.MEMBERSHIP), ())),
    )


def _erase_landed(home: Home, connection: duckdb.DuckDBPyConnection, entry: Entry) -> None:
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


def _count(home: Home, connection: duckdb.DuckDBPyConnection, person: Person) -> dict[str, int]:
    """Rows by what becomes of them and table, and what of quarantine, ledger and drops goes."""
    register_person(connection, person)
    counts = {}
    for table in _tables():
        rows = sum(counted_by_file(connection, home, table, person_condition(table)).values())
        if rows:
            counts[f"{WORDS[table.on_erasure]} {table.name}"] = rows
    search = Search(person)
    quarantined = sum(len(rows_of_person(file, search)) for file in row_files(home))
    files = len(whole_files(home, search))
    dropped = sum(1 for _ in drops.lines_of_person(home, person))
    return {
        **counts,
        **{
            f"{REMOVED} {name}": found
            for name, found in (
                ("quarantined rows", quarantined),
                ("quarantined files", files),
                ("dropped lines", dropped),
            )
            if found
        },
        **counts_of(connection, home),
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
    """Refuse while files are on their way into the landing zone, in which the person may be."""
    folders = [home.inbox, home.path / "feedback", *(home.path / "collected").glob("*/outgoing")]
    waiting = [
        file
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(".") and file.suffix != ".tmp"
    ]
    if waiting:
        raise HeldError(
            f"{len(waiting)} files wait in inbox/ or feedback/ of {home.path}, and the person may be in them: "
            "`muster collect` and `muster land` first; move away what they leave there"
        )
