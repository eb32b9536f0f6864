"""The SQL's decisions beside the oracle's, and what they differ in."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import oracle
import sets_oracle
from decision_layer import Engine, Row
from worlds import World

MEMBER = ("campaign", "destination", "audience", "customer_id", "email", "phone", "external_id", "operation")
TOLD = 3


def decided_by_oracle(world: World) -> tuple[Any, ...]:
    """What the log and both outboxes should hold."""
    log = oracle.decide(world)
    return log, sets_oracle.messages(world, log), sets_oracle.changes(world, log)


def differences(engine: Engine, expected: tuple[Any, ...]) -> list[str]:
    """Where the tables in the engine are not what the oracle says, a sentence each; nobody missing or invented."""
    log, messages, changes = expected
    rows = engine.rows("decision_log")
    found = []
    counts = Counter(row["message_id"] for row in rows)
    if counts != Counter(log.keys()):
        found.append(f"the log has {len(rows)} rows for {len(log)} candidates")
    for row in rows:
        if expected_row := log.get(row["message_id"]):
            other = {key: (row[key], value) for key, value in expected_row.items() if row[key] != value}
            if other:
                found.append(
                    f"{row['campaign']}, {row['slot']}, step {row['step']}, {row['customer_id']}: {other}"
                )
    outbox = {row["message_id"]: row["address"] for row in engine.rows("outbox_messages")}
    if outbox != messages:
        found.append(f"the outbox has {len(outbox)} messages for {len(messages)}")
    sets = Counter(tuple(row[key] for key in MEMBER) for row in engine.rows("outbox_memberships"))
    if sets != changes:
        found.append(f"the sets change by {sorted((sets - changes).items(), key=str)[:TOLD]} too much")
    return found


def digest(engine: Engine) -> str:
    """Over the sorted rows of the log and both outboxes."""
    texts: list[Row] = []
    for table in ("decision_log", "outbox_messages", "outbox_memberships"):
        texts += sorted(engine.rows(table), key=str)
    return hashlib.sha256(repr(texts).encode()).hexdigest()
