"""Small decision logs and outboxes of synthetic people, as a build exports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

MOMENTS = ("_at", "as_of", "_before")
DECISION: dict[str, Any] = {
    "message_id": None, "campaign": "weekly", "slot": "2026-W10", "customer_id": "c1", "verdict": "send",
    "reason": None, "reasons": None, "lost_to": None, "qualified_by": "last order 70 days ago",
    "channel": "email", "destination": "sendgrid", "audience_name": None, "purpose": "marketing",
    "cap_class": "promo", "template": "weekly", "message_version": "v1", "variant": "a", "offer": "offer_10",
    "fields": None, "market": "US", "step": 1, "priority": 1, "excludes_recent_purchasers": False,
    "scheduled_at": "2026-03-02 14:00:00", "send_not_before": "2026-03-02 15:00:00",
    "expires_at": "2026-03-09 00:00:00", "run_id": "r1", "as_of": "2026-03-02 14:00:00",
    "known_at": "2026-03-02 14:00:00",
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "position": 0, "message_id": "m1", "campaign": "weekly", "slot": "2026-W10", "customer_id": "c1",
    "channel": "email", "destination": "sendgrid", "address": "ann.lee@mail.example.com", "purpose": "marketing",
    "cap_class": "promo", "template": "weekly", "message_version": "v1", "variant": "a", "offer": "offer_10",
    "fields": '{"first_name": "Ann", "offer_text": "10 % off"}', "step": 1,
    "send_not_before": "2026-03-02 15:00:00", "expires_at": "2026-03-09 00:00:00", "run_id": "r1",
    "as_of": "2026-03-02 14:00:00", "known_at": "2026-03-02 14:00:00",
}  # fmt: skip
CHANGE: dict[str, Any] = {
    "position": 0, "change_id": "x1", "campaign": "ads", "slot": "2026-03-02", "customer_id": "c1",
    "channel": "ads", "destination": "meta", "audience": "120", "operation": "add",
    "email": "ann.lee@mail.example.com", "phone": "+15550100123", "external_id": None, "run_id": "r1",
    "as_of": "2026-03-02 14:00:00", "known_at": "2026-03-02 14:00:00",
}  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


def excluded(customer: str, reasons: str, **more: Any) -> dict[str, Any]:
    """A decision against somebody."""
    return {
        "customer_id": customer, "verdict": "exclude", "reason": reasons.split(",", maxsplit=1)[0], "reasons": reasons,
    } | more  # fmt: skip


def write_run(
    directory: Path, decisions: Rows = (), messages: Rows | None = None, changes: Rows = ()
) -> Path:
    """The files that plans read. Messages are those of the decisions to send, unless they are given."""
    directory.mkdir(parents=True, exist_ok=True)
    rows = [DECISION | {"message_id": f"m{n}"} | dict(row) for n, row in enumerate(decisions)]
    if messages is None:
        messages = [
            {name: row[name] for name in MESSAGE.keys() & row.keys() if row[name] is not None}
            for row in rows
            if row["verdict"] == "send" and row["audience_name"] is None
        ]
    write(directory / "decisions.parquet", DECISION, rows)
    numbered = [MESSAGE | dict(row) | {"position": n} for n, row in enumerate(messages)]
    write(directory / "outbox_messages.parquet", MESSAGE, numbered)
    numbered = [CHANGE | dict(row) | {"position": n} for n, row in enumerate(changes)]
    write(directory / "outbox_memberships.parquet", CHANGE, numbered)
    return directory


def write(file: Path, example: Mapping[str, Any], rows: Rows) -> None:
    kinds = {
        name: {int: "int", bool: "boolean"}.get(type(value), "varchar") for name, value in example.items()
    }
    kinds |= dict.fromkeys((name for name in example if name.endswith(MOMENTS)), "timestamp")
    columns = [f"cast(? as {kind}) as {name}" for name, kind in kinds.items()]
    select = f"select {', '.join(columns)}"
    parts = [select for _ in rows] or [f"{select} where false"]
    values = [row[name] for row in (rows or [example]) for name in example]
    duckdb.connect().execute(f"copy ({' union all '.join(parts)}) to '{file}' (format parquet)", values)
