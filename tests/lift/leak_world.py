"""Worlds in which some people are held out, each with one leak put in or none; and what the audit finds in all at once.

A world has its own campaigns, purpose and people, so that one ledger holds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from model_sql import rendered

AS_OF = datetime(2026, 5, 1, 9)  # noqa: DTZ001 - UTC without a zone, as the ledger
DRAWN = AS_OF - timedelta(days=20)
PEOPLE = 12
# What is put in, and what the audit calls it: payload, way and what reached the person.
WAYS = {
    "nothing": None,
    "message": ("message", "sent", "person"),
    "message to an address": ("message", "sent", "identifier"),
    "set": ("set", "sent", "person"),
    "set by an address": ("set", "sent", "identifier"),
    "left in a set": ("set", "left_in", "person"),
}
_TABLES = {
    "stg_ledger__decisions": "message_id text, run_id text, campaign text, customer_id text, verdict text, "
    "reason text, purpose text, as_of timestamp",
    "stg_ledger__receipts": "message_id text, run_id text, campaign text, customer_id text, state text, "
    "attempted_at timestamp",
    "stg_ledger__outbox_messages": "message_id text, run_id text, channel text, address text",
    "int_membership_receipts_settled": "change_id text, run_id text, campaign text, destination text, audience text, "
    "customer_id text, operation text, email text, phone text, state text, attempted_at timestamp",
    "int_contact_points_mapped": "customer_id text, kind text, contact_point text",
    "int_customers_succeeded": "earlier_customer_id text, customer_id text",
    "lift_windows": "experiment text, outcome_days int",
}
_MODELS = ("int_holdouts_timed", "int_payloads_sent", "fct_holdout_leaks", "rpt_holdout_leakage")


class Ledger:
    """Everything that all worlds did."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        self.tables["lift_windows"].append({"experiment": "every", "outcome_days": 28})

    def sent(self, world: int, person: str, address: str, at: datetime) -> None:
        message = f"m{len(self.tables['stg_ledger__receipts'])}"
        self.tables["stg_ledger__receipts"].append(
            {"message_id": message, "run_id": "r", "campaign": f"news {world}", "customer_id": person,
             "state": "in_doubt" if world % 2 else "accepted", "attempted_at": at}
        )  # fmt: skip
        self.tables["stg_ledger__outbox_messages"].append(
            {"message_id": message, "run_id": "r", "channel": "email", "address": address}
        )

    def changed(self, world: int, person: str, address: str, at: datetime, operation: str = "add") -> None:
        rows = self.tables["int_membership_receipts_settled"]
        rows.append(
            {"change_id": f"c{len(rows)}", "run_id": "r", "campaign": f"ads {world}", "destination": "meta",
             "audience": f"set {world}", "customer_id": person, "operation": operation, "email": address, "phone": None,
             "state": "accepted", "attempted_at": at}
        )  # fmt: skip

    def assigned(self, world: int, person: str, reason: str | None) -> None:
        self.tables["stg_ledger__decisions"] += [
            {"message_id": f"{campaign} {person}", "run_id": "r", "campaign": f"{campaign} {world}",
             "customer_id": person, "verdict": "holdout" if reason else "send", "reason": reason,
             "purpose": f"marketing {world}", "as_of": DRAWN}
            for campaign in ("news", "ads")
        ]  # fmt: skip

    def audit(self) -> tuple[list[tuple[int, str, str, str, str]], int]:
        """Leaks by world with the person (payload, way, reached by), and how many people the report counts."""
        engine = duckdb.connect()
        for name, columns in _TABLES.items():
            engine.execute(f"create table {name} ({columns})")
            if self.tables[name]:
                engine.register("given", pa.Table.from_pylist(self.tables[name]))
                engine.execute(f"insert into {name} by name from given")
        for name in _MODELS:
            engine.execute(f"create table {name} as {rendered(name, AS_OF.strftime('%Y-%m-%d %H:%M:%S'))}")
        leaks = engine.execute(
            "select cast(split_part(customer_id, ' ', 1) as int), customer_id, payload, way, reached_by "
            "from fct_holdout_leaks order by all"
        ).fetchall()
        counted = engine.execute("select sum(people_reached) from rpt_holdout_leakage").fetchone()
        assert counted is not None
        return leaks, int(counted[0])


def played(worlds: Iterable[int]) -> tuple[Ledger, list[tuple[int, str, str, str, str]]]:
    """A ledger of these worlds, and the leaks that are in it."""
    ledger, planted = Ledger(), []
    for world in worlds:
        way = list(WAYS)[world % len(WAYS)]
        victim = _play(ledger, world, way)
        found = WAYS[way]
        if found:
            planted.append((world, victim, *found))
    return ledger, sorted(planted)


def _play(ledger: Ledger, world: int, way: str) -> str:
    """One world with its leak. Gives the person who was reached by it."""
    dice = np.random.default_rng([world, 3])
    people = [f"{world} c{each}" for each in range(PEOPLE)]
    held = people[: int(dice.integers(1, PEOPLE - 1))]
    victim, other = held[0], people[-1]
    reason = "holdout_global" if dice.random() < 0.5 else "holdout_campaign"
    for person in people:
        ledger.tables["int_contact_points_mapped"].append(
            {"customer_id": person, "kind": "email", "contact_point": _address(person)}
        )
        ledger.assigned(world, person, reason if person in held else None)
        # Before the draw anybody may have been reached; a set lets go of the held out in time.
        ledger.sent(world, person, _address(person), DRAWN - timedelta(days=9))
        ledger.changed(world, person, _address(person), DRAWN - timedelta(days=9))
        if person not in held:
            ledger.sent(world, person, _address(person), DRAWN + timedelta(hours=1))
        elif (person, way) != (victim, "left in a set"):
            ledger.changed(world, person, _address(person), DRAWN + timedelta(hours=1), "remove")
    at = DRAWN + timedelta(days=int(dice.integers(2, 19)))
    match way:
        case "message":
            ledger.sent(world, victim, "another@example.com", at)
        case "message to an address":
            ledger.sent(world, other, _address(victim).upper(), at)
        case "set":
            ledger.changed(world, victim, "another@example.com", at)
        case "set by an address":
            ledger.changed(world, other, _address(victim), at)
        case _:
            pass
    return victim


def _address(person: str) -> str:
    return f"{person.replace(' ', '.')}@example.com"
