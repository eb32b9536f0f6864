"""The independent checker: what the destination accepted, what was frozen, who objected, and what the journal says.

It imports nothing of what it checks. The destination's log, the frozen Parquet and the journal's tables are read with
SQL and Python of its own, and the invariants of delivery are asserted over ids, not over counts alone.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import databases
import pyarrow.parquet as pq

KIND_BIT = 2**32
RUN_BITS = 33
OPENS, CLOSES = 8, 21
SQL = """
    select spans.first_seq, spans.last_seq, spans.state, requests.state as of_request, requests.request_id,
        spans.reason, requests.reason as why, runs.run_id
    from spans
    join streams on streams.stream = spans.stream
    join runs on runs.run = streams.run
    left join requests on requests.request = spans.request"""


@dataclass
class Findings:
    """What a check found: broken invariants by number, and figures."""

    broken: list[str] = field(default_factory=list)
    twice: int = 0
    lost: int = 0
    people: int = 0
    accepted: int = 0
    in_doubt: int = 0
    truly_accepted: int = 0
    bound: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def expect(self, is_so: bool, invariant: int, what: str) -> None:  # noqa: FBT001
        if not is_so:
            self.broken.append(f"invariant {invariant}: {what}")


def check(world: Mapping[str, Any]) -> Findings:
    """Check a home after its deliveries have come to their end.

    ``world`` names the ``home``, its ``run``, whom nobody may have contacted (``suppressed``: kind and position of rows
    that were still planned when their owner objected) and the people in requests ``open`` at a fault, by request id.
    With ``may_be_open`` nobody could tell which those were.
    ``journal`` is the URL of a PostgreSQL journal. A home that ``has_other_runs`` is checked for its slots alone.
    """
    home = Path(world["home"])
    findings = Findings()
    frozen = _frozen(home, world["run"])
    slots = {row["slot"] for row in frozen.values()}
    log = [
        entry for entry in acceptances(home) if entry.get("slot") in slots or not world.get("has_other_runs")
    ]
    rows = _journal_rows(home, world["run"], findings, world.get("journal") or None)
    findings.people = len(frozen)

    # 1: nobody twice for one slot, by normalised address
    seen = Counter(contact(entry) for entry in log)
    findings.twice = sum(count - 1 for count in seen.values())
    findings.expect(not findings.twice, 1, f"{findings.twice} people were accepted twice in one slot")
    ids = Counter(entry["message_id"] for entry in log)
    findings.expect(max(ids.values(), default=0) <= 1, 1, "a message id was accepted twice")

    # 2: nobody who objected
    by_row = {f"{row['kind']}:{row['position']}": row for row in frozen.values()}
    wronged = [name for name in world["suppressed"] if by_row[name]["id"] in ids]
    findings.expect(not wronged, 2, f"{len(wronged)} people were accepted after they objected")

    # 3 and 5: each frozen row has one state, and who is left out one reason
    findings.expect(set(rows) == set(frozen), 3, f"{len(set(frozen) ^ set(rows))} rows are not accounted for")
    findings.states = dict(Counter(state for state, _, _ in rows.values()))
    findings.expect(
        all(why for state, _, why in rows.values() if state in {"excluded", "expired", "refused"}),
        5, "a row was left out without a reason",
    )  # fmt: skip

    # 7: what the journal calls accepted is at the destination
    accepted = {key for key, (state, _, _) in rows.items() if state == "accepted"}
    findings.accepted = len(accepted)
    missing = [key for key in accepted if frozen[key]["id"] not in ids]
    findings.expect(not missing, 7, f"{len(missing)} rows are accepted in the journal alone")

    # in doubt: never more than were in requests open at a fault, and none without one
    doubted = {key: request for key, (state, request, _) in rows.items() if state == "in_doubt"}
    findings.in_doubt = len(doubted)
    findings.truly_accepted = sum(frozen[key]["id"] in ids for key in doubted)
    opened: Mapping[str, int] = world["open"]
    findings.bound = sum(opened.values())
    if world.get("may_be_open"):  # somebody took over from a process that lives, whose requests are open then
        opened = {str(request): 0 for request in doubted.values()}
        findings.bound = findings.in_doubt
    strange = [key for key, request in doubted.items() if request not in opened]
    findings.expect(not strange, 10, f"{len(strange)} rows are in doubt that were in no open request")
    findings.expect(findings.in_doubt <= findings.bound, 10, "more in doubt than were in open requests")
    known = accepted | set(doubted)
    told = {frozen[key]["id"] for key in known}
    unknown = sum(entry["message_id"] not in told for entry in log)
    findings.expect(not unknown, 7, f"{unknown} were accepted and are neither accepted nor in doubt")

    # everybody else was accepted in the end
    # Who objects, objects for the address.
    objected = {
        key for key, row in frozen.items() if f"{row['kind']}:{row['position']}" in world["suppressed"]
    }
    answered = _answered_for(frozen, known | objected)
    findings.lost = len(set(_wanted(frozen, world["suppressed"])) - known - answered)
    findings.expect(not findings.lost, 3, f"{findings.lost} people were lost")

    # 9: only inside its window and the allowed local hours
    late = sum(not _is_in_time(entry, frozen) for entry in log)
    findings.expect(not late, 9, f"{late} were accepted outside of their hours")

    # 10: the report and the receipts say what happened
    report = (
        json.loads((home / "report.json").read_text())["counts"] if (home / "report.json").exists() else None
    )
    if report is not None:
        findings.expect(report == findings.states, 10, f"it reported {report}, and it is {findings.states}")
    _check_receipts(home, world["run"], rows, frozen, findings)
    return findings


def _check_receipts(
    home: Path, run: str, rows: Mapping[int, tuple[str, str | None, str]],
    frozen: Mapping[int, Mapping[str, Any]], findings: Findings,
) -> None:  # fmt: skip
    latest: dict[str, set[str]] = defaultdict(set)
    for folder, name in (("receipts", "message_id"), ("membership_receipts", "change_id")):
        for file in sorted((home / "ledger" / folder).glob("*.parquet")):
            for row in pq.ParquetFile(file).read(use_threads=False).to_pylist():
                if row["run_id"] == run:
                    latest[row[name]].add(row["state"])
    for key, (state, _, _) in rows.items():
        told = latest[frozen[key]["id"]]
        # A row that was in doubt and settled since has a receipt of either.
        right = not told if state == "planned" else state in told and told <= {state, "in_doubt"}
        if not right:
            findings.expect(False, 10, f"a row is {state}, and its receipts say {sorted(told)}")
            return


def _frozen(home: Path, run: str) -> dict[int, dict[str, Any]]:
    """Frozen rows by their place: kind bit and position."""
    found = {}
    for kind, name, bit in (("message", "message_id", 0), ("membership", "change_id", KIND_BIT)):
        file = home / "ledger" / "runs" / run / "frozen" / f"outbox_{kind}s.parquet"
        for row in pq.ParquetFile(file).read(use_threads=False).to_pylist():
            found[bit + row["position"]] = row | {"kind": kind, "id": row[name]}
    return found


def acceptances(home: Path) -> list[dict[str, Any]]:
    """Everybody whom the destination has: of its log, and of files with a manifest."""
    log = home / "sandbox" / "accepted.jsonl"
    found = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for manifest in sorted((home / "drops").glob("*/*.done")):
        about = json.loads(manifest.read_text())
        with manifest.with_suffix("").open(newline="") as letters:
            found += [
                {**about, **line, "destination": manifest.parent.name} for line in csv.DictReader(letters)
            ]
    return found


def _journal_rows(
    home: Path, run: str, findings: Findings, url: str | None
) -> dict[int, tuple[str, str | None, str]]:
    """State, request id and reason of each row, by its place."""
    rows: dict[int, tuple[str, str | None, str]] = {}
    for first, last, state, of_request, request_id, reason, why, of_run in _query(home, url):
        if of_run != run:
            continue
        is_claimed = state == "claimed"
        for seq in range(first, last + 1):
            place = seq & ((1 << RUN_BITS) - 1)
            findings.expect(place not in rows, 3, "a row stands twice in the journal")
            rows[place] = (
                of_request if is_claimed else state,
                request_id,
                (why if is_claimed else reason) or "",
            )
    return rows


def _query(home: Path, url: str | None) -> Iterable[tuple[Any, ...]]:
    if url is not None:
        return databases.ask(url, SQL)
    with tempfile.TemporaryDirectory() as directory:  # to look at a journal in its place may change its files
        for file in home.glob("journal.db*"):
            shutil.copyfile(file, Path(directory) / file.name)
        with closing(sqlite3.connect(Path(directory) / "journal.db")) as connection:
            is_made = connection.execute("select 1 from sqlite_master where name = 'spans'").fetchone()
            return connection.execute(SQL).fetchall() if is_made else []


def _normalised(address: str) -> str:
    return address.strip().lower()


def contact(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What may happen once: an address, or a member, in one slot."""
    who = entry.get("address") or entry.get("email") or entry.get("to") or entry.get("customer_id")
    occasion = tuple(
        entry.get(name) for name in ("destination", "campaign", "slot", "step", "operation", "audience")
    )
    return (*occasion, _normalised(str(who)))


def _wanted(frozen: Mapping[int, Mapping[str, Any]], suppressed: Iterable[str]) -> list[int]:
    """Rows that must be accepted or in doubt in the end."""
    gone = set(suppressed)
    return [
        key
        for key, row in frozen.items()
        if f"{row['kind']}:{row['position']}" not in gone
        and "refused" not in (row.get("address") or "")
        and (row.get("expires_at") is None or row["expires_at"] > row["as_of"])
    ]


def _answered_for(frozen: Mapping[int, Mapping[str, Any]], known: Iterable[int]) -> set[int]:
    """Rows of an address that another row of its slot spoke for."""
    told = {_occasion(frozen[key]) for key in known}
    return {key for key, row in frozen.items() if row["kind"] == "message" and _occasion(row) in told}


def _occasion(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("campaign", "slot", "step", "channel")
    return (*(row.get(name) for name in names), _normalised(str(row.get("address"))))


def _is_in_time(entry: Mapping[str, Any], frozen: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether a message left inside its window and, where its zone is told, between 8 and 21 o'clock there."""
    if "at" not in entry or entry.get("operation") != "send":
        return True
    at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    row = next((row for row in frozen.values() if row["id"] == entry["message_id"]), None)
    if row is None:
        return False
    naive = at.replace(tzinfo=None)
    zone = json.loads(row["fields"] or "{}").get("time_zone")
    is_day = zone is None or OPENS <= at.astimezone(ZoneInfo(zone)).hour < CLOSES
    return bool(row["send_not_before"] <= naive < row["expires_at"]) and is_day
