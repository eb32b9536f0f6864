"""Access: everything that is held on one person, as files for machines and an index for people.

Exactly the rows that an erasure would take, and beside them what the ledger and the warehouse say of the customer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.landing.contract import contract
from activation.landing.source import literal
from activation.privacy import drops
from activation.privacy.belongings import ledger_rows
from activation.privacy.identifiers import identifiers
from activation.privacy.person import Person, find_person, person_condition, register_person
from activation.privacy.purge import QUARANTINE_KEEP_DAYS
from activation.privacy.rewrite import opened, rows_of
from activation.privacy.set_aside import Search, row_files, rows_of_person
from activation.settings import PROJECT

LEDGER = {
    "decisions": "what a run decided about the person, and why",
    "outbox_messages": "a message that was to go to the person, with its content",
    "outbox_memberships": "a change of a set at an advertising platform",
    "reservations": "the place that a planned message holds",
    "audiences": "a group that the person belonged to, and what qualified them",
    "profile_customers": "which profiles were taken for the same person",
    "receipts": "what became of a message",
    "membership_receipts": "what became of a change of a set",
}
MINE = "customer_id in (select value from person where kind = 'customer')"


@dataclass(frozen=True)
class Exported:
    """One file of an export: its rows, and what the index says about it."""

    name: str
    rows: int
    content: str
    purpose: str
    legal_basis: str
    kept: str


def export(home: Home, *, who: str | None, address: str | None, to: Path, now: datetime) -> list[Exported]:
    """Write everything that is held on a person into the new or empty folder ``to``.

    Raises ``ConfigurationError`` where nobody or nothing is found, or the folder holds something.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigurationError(f"{to} is there already: name a folder that is new or empty")
    with opened(home, changing=False) as connection:
        person = find_person(connection, home, who, address)
        register_person(connection, person)
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        to.chmod(0o700)
        written = [
            *_landed(connection, home, to),
            *_quarantined(connection, home, person, to),
            *_decided(connection, home, to),
            *_dropped(connection, home, person, to),
            *_concluded(connection, home, person, to),
        ]
    if not written:
        to.rmdir()
        raise ConfigurationError("nothing is held on this person")
    write_atomically(to / "README.md", _index(person, written, now).encode())
    return written


def _landed(connection: duckdb.DuckDBPyConnection, home: Home, to: Path) -> Iterator[Exported]:
    purposes = source_purposes()
    for table in contract().values():
        if not identifiers(table):
            continue
        rows = _write(
            connection,
            f"select * exclude (filename) from {rows_of(home, table)} as landed where {person_condition(table)}",
            to / f"{table.name}.jsonl",
        )
        days = table.retention.keep_days
        kept = f"{days} days" if days else "until erasure"
        meta = purposes.get(table.source, {})
        if rows:
            yield Exported(
                f"{table.name}.jsonl", rows, table.row, str(meta.get("goal", "")),
                str(meta.get("legal_basis", "")), f"{kept}: {table.retention.because}",
            )  # fmt: skip


def _quarantined(
    connection: duckdb.DuckDBPyConnection, home: Home, person: Person, to: Path
) -> Iterator[Exported]:
    search = Search(person)
    found = [
        {"table": ".".join(file.parent.relative_to(home.quarantine).parts), **row}
        for file in row_files(home)
        for row in rows_of_person(file, search)
    ]
    if found:
        connection.register("quarantined", pa.Table.from_pylist(found))
        rows = _write(connection, "select * from quarantined", to / "quarantine.jsonl")
        yield Exported(
            "quarantine.jsonl", rows, "a row that could not be read as its table asks", "Mend what is broken",
            "legitimate interest", f"{QUARANTINE_KEEP_DAYS} days",
        )  # fmt: skip


def _decided(connection: duckdb.DuckDBPyConnection, home: Home, to: Path) -> Iterator[Exported]:
    meta = source_purposes().get("ledger", {})
    for name, content in LEDGER.items():
        relation = ledger_rows(home, name)
        if relation is None:
            continue
        mine = MINE
        if name == "profile_customers":
            mine = "profile_id in (select value from person where kind = 'profile')"
        query = f"select * from {relation} as entries where {mine}"
        if name == "decisions":
            reasons = literal(str(PROJECT / "seeds" / "reference" / "decision_reasons.csv"))
            query = (
                f"select entries.*, reasons.explanation as reason_in_words from ({query}) as entries "
                f"left join read_csv({reasons}, header = true, all_varchar = true) as reasons "
                "on entries.reason = reasons.reason"
            )
        rows = _write(connection, query, to / f"ledger.{name}.jsonl")
        if rows:
            yield Exported(
                f"ledger.{name}.jsonl", rows, content, str(meta.get("goal", "")),
                str(meta.get("legal_basis", "")), "as long as the home lives",
            )  # fmt: skip


def _dropped(
    connection: duckdb.DuckDBPyConnection, home: Home, person: Person, to: Path
) -> Iterator[Exported]:
    found = [
        {"destination": file.parent.name, "file": file.name, "line": json.dumps(row)}
        for file, row in drops.lines_of_person(home, person)
    ]
    if found:
        connection.register("dropped", pa.Table.from_pylist(found))
        rows = _write(connection, "select * replace (line::json as line) from dropped", to / "drops.jsonl")
        yield Exported(
            "drops.jsonl", rows, "a line of a file that was handed over", "Reach people where no API does",
            "as the message or set that it is of", f"{drops.KEEP_DAYS} days",
        )  # fmt: skip


def _concluded(
    connection: duckdb.DuckDBPyConnection, home: Home, person: Person, to: Path
) -> Iterator[Exported]:
    """What the marts of the last build say of the customer: segments, scores, facts."""
    if not home.warehouse_file.exists() or person.customer_id is None:
        return
    connection.execute(f"attach {literal(str(home.warehouse_file))} as muster (read_only)")
    tables = connection.execute(
        "select table_name from information_schema.columns where table_catalog = 'muster' "
        "and table_schema = 'marts' and column_name = 'customer_id' order by 1"
    ).fetchall()
    for (name,) in tables:
        rows = _write(
            connection, f"select * from muster.marts.{name} where {MINE}", to / f"warehouse.{name}.jsonl"
        )
        if rows:
            yield Exported(
                f"warehouse.{name}.jsonl", rows, "what the last build concluded from the above",
                "Decide who gets what", "as what it was concluded from", "until the next build",
            )  # fmt: skip
    connection.execute("detach muster")


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    """Write the rows of a query as JSON lines; no file where there is none."""
    found = connection.execute(f"select count(*) from ({query})").fetchone()
    rows = int(found[0]) if found else 0
    if rows:
        connection.execute(f"copy ({query}) to {literal(str(file))} (format json, use_tmp_file false)")
        file.chmod(0o600)
    return rows


def source_purposes() -> dict[str, Mapping[str, Any]]:
    """Goal, legal basis and more of each source, from where the docs have it."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted((PROJECT / "models" / "staging").glob("*/_*__sources.yml")):
        for source in yaml.safe_load(file.read_text(encoding="utf-8"))["sources"]:
            found[str(source["name"])] = source["config"]["meta"]
    return found


def _index(person: Person, written: list[Exported], now: datetime) -> str:
    profiles = ", ".join(person.values("profile")) or "none"
    lines = [
        "# What is held on you",
        "",
        f"As of {now:%Y-%m-%d %H:%M} UTC. Customer {person.customer_id or 'unknown'}; profiles: {profiles}.",
        "Each file has one JSON object on each line; times are UTC.",
        "",
        "| file | rows | a row is | why it is held | legal basis | for how long |",
        "|---|---:|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.rows:,} | {each.content} | {each.purpose} | {each.legal_basis} | {each.kept} |"
        for each in written
    ]
    if person.shared:
        lines.append(
            f"\n{person.shared} addresses, numbers, devices or other marks of these profiles are other people's too. "
            "What names nothing but them is left out."
        )
    return "\n".join(lines) + "\n"
