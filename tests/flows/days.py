"""What days of operation have in common: what a day brings, a sandbox that fails now and then, and what may not be.

Each day people join and agree, some who were written to withdraw from everything by e-mail, orders arrive late, one is
paid back in part, and somebody had a question: every feed with an age limit has rows each day.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

FIRST = datetime(2017, 11, 20, 14)  # noqa: DTZ001 - UTC, as flows and command line take it; Monday, 09:00 in New York
JOINING, LEAVING, ORDERING = 4, 2, 6  # people a day
PURPOSES = ("marketing", "service")
KINDS = ("status:500", "accept_then_500", "drop", "accept_then_drop", "garbage", "retry_after:0.02")
# One request in twenty fails.
FAULTS: list[dict[str, Any]] = [
    {"path_prefix": "/", "fault": kind, "count": 10**6, "share": 0.05 / len(KINDS)} for kind in KINDS
]


@dataclass
class Days:
    """The people of one home, with the small sample in its inbox, from day to day."""

    home: Path
    dice: random.Random
    profiles: list[str] = field(init=False)
    withdrawn: set[str] = field(init=False, default_factory=set)
    seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        with (self.home / "inbox" / "crm" / "profiles" / "sample.csv").open(newline="") as file:
            self.profiles = [row["profile_id"] for row in csv.DictReader(file)]

    def begin(self, at: datetime) -> None:
        """Drop what the day brings."""
        accepted = self.accepted()
        self.seen = len(accepted)
        known = {str(row["address"]) for row in accepted if "@" in str(row.get("address"))}
        staying = sorted(known - self.withdrawn)
        leaving = self.dice.sample(staying, min(LEAVING, len(staying)))
        self.withdrawn.update(leaving)
        self._drop(at, leaving)

    def accepted(self) -> list[dict[str, Any]]:
        """What the outside world got, by the sandbox's own word."""
        file = self.home / "sandbox" / "accepted.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def wronged(self) -> int:
        """How many were written to since the day began although they had withdrawn."""
        return len({row.get("address") for row in self.accepted()[self.seen :]} & self.withdrawn)

    def twice(self) -> int:
        """How many addresses one campaign reached more than once in one slot and step."""
        frozen = self.home / "ledger" / "runs" / "*" / "frozen" / "outbox_messages.parquet"
        query = f"select message_id, campaign, slot, step from read_parquet('{frozen}', union_by_name = true)"
        with duckdb.connect() as engine:
            slots = {message: slot for message, *slot in engine.execute(query).fetchall()}
        sent = Counter(
            (*slots.get(row["message_id"], (row["message_id"],)), row["address"])
            for row in self.accepted()
            if "address" in row and row.get("message_id")
        )
        return sum(count > 1 for count in sent.values())

    def _drop(self, at: datetime, leaving: list[str]) -> None:
        evening = f"{at - timedelta(hours=16):%Y-%m-%d %H:%M:%S}"
        late = f"{at - timedelta(days=6):%Y-%m-%d %H:%M:%S}"
        day = f"day-{at:%Y%m%d}"
        joining = [f"{day}-{number}" for number in range(JOINING)]
        self.profiles.extend(joining)
        ordering = joining[: JOINING // 2] + self.dice.sample(self.profiles, ORDERING)
        wishes = [(f"{profile}@example.com", "granted") for profile in joining]
        wishes += [(address, "withdrawn") for address in leaving]
        drops = {
            "crm/profiles": "profile_id,source_system,email,country,timezone,created_at,updated_at\n"
            + "".join(
                f"{profile},crm,{profile}@example.com,US,America/New_York,{late},{late}\n"
                for profile in joining
            ),
            "consent/events": "email,channel,purpose,state,basis,proof,occurred_at\n"
            + "".join(
                f"{address},email,{purpose},{state},consent,preference page,{evening}\n"
                for address, state in wishes
                for purpose in PURPOSES
            ),
            "shop/orders": "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount\n"
            + "".join(
                f"{day}-{number},{profile},{late},completed,USD,{self.dice.randrange(5, 90)}.00,0.00\n"
                for number, profile in enumerate(ordering)
            ),
            "shop/refunds": "refund_id,order_id,refunded_at,amount,currency,reason\n"
            f"{day},{day}-0,{evening},1.00,USD,wrong item\n",
            "support/tickets": "ticket_id,profile_id,opened_at,closed_at,topic,severity\n"
            f"{day},{self.dice.choice(self.profiles)},{late},{evening},billing,normal\n",
        }
        for table, rows in drops.items():
            folder = self.home / "inbox" / table
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{day}.csv").write_text(rows)
