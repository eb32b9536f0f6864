"""What days of operation have in common: what a day brings, a sandbox that fails now and then, and what may not be.

Each day people join and agree, some who were written to withdraw from everything by e-mail, orders arrive late, one is
paid back in part, some visit the shop, and somebody had a question: every feed with an age limit has rows each day.
Once the sample is at its end, its households do what they did thirteen weeks before: people of whom nothing more is
heard leave every audience within weeks, and a campaign whose audience dwindles is held.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

FIRST = datetime(2017, 11, 20, 14)  # noqa: DTZ001 - UTC, as flows and command line take it; Monday, 09:00 in New York
JOINING, LEAVING, ORDERING, VISITING = 4, 2, 1, 12  # people a day; of those who join, one orders, on Mondays
AGAIN_AFTER = timedelta(weeks=13)  # the small sample has lines and visits of its last quarter only
PURPOSES = ("marketing", "service")
KINDS = ("status:500", "accept_then_500", "drop", "accept_then_drop", "garbage", "retry_after:0.02")
# What the households do again between two moments, each with a key of its own.
AGAIN = {
    "shop/orders": """
        select order_id || '-again' as order_id, profile_id, ordered_at + $after as ordered_at, status, currency,
            gross_amount, discount_amount
        from shop_orders where ordered_at between $since and $until""",
    "shop/order_lines": """
        select order_id || '-again' as order_id, line_number, product_id, quantity, unit_price
        from shop_order_lines
        semi join (from shop_orders where ordered_at between $since and $until) using (order_id)""",
    "web/events": """
        select event_id || '-again' as event_id, profile_id, device_id, event_type, url, product_id,
            occurred_at + $after as occurred_at
        from web_events where occurred_at between $since and $until""",
}
# One request in twenty fails.
FAULTS: list[dict[str, Any]] = [
    {"path_prefix": "/", "fault": kind, "count": 10**6, "share": 0.05 / len(KINDS)} for kind in KINDS
]


@dataclass
class Days:
    """The people of one home, with the small sample in its inbox, from day to day."""

    home: Path
    dice: random.Random
    sample: duckdb.DuckDBPyConnection = field(init=False)
    households: list[str] = field(init=False)
    withdrawn: set[str] = field(init=False, default_factory=set)
    seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.sample = duckdb.connect()
        for table in ("crm/profiles", *AGAIN):
            file = self.home / "inbox" / table / "sample.csv"
            self.sample.execute(f"create table {table.replace('/', '_')} as from read_csv('{file}')")
        profiles = self.sample.execute("select profile_id from crm_profiles order by all").fetchall()
        self.households = [str(profile) for (profile,) in profiles]

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
        ordering = self.dice.sample(self.households, ORDERING)
        if at.weekday() == 0:
            ordering.append(joining[0])
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
            "web/events": "event_id,profile_id,device_id,event_type,url,product_id,occurred_at\n"
            + "".join(
                f"{day}-{number},{profile},,page_view,https://shop.example.com/,,{evening}\n"
                for number, profile in enumerate(self.dice.sample(self.households, VISITING))
            ),
            "support/tickets": "ticket_id,profile_id,opened_at,closed_at,topic,severity\n"
            f"{day},{self.dice.choice(self.households)},{late},{evening},billing,normal\n",
        }
        for table, rows in drops.items():
            folder = self.home / "inbox" / table
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{day}.csv").write_text(rows)
        self._drop_again(at)

    def _drop_again(self, at: datetime) -> None:
        """Drop what the households did since yesterday, if the sample itself does not know it."""
        (end,) = self.sample.execute("select max(ordered_at) from shop_orders").fetchone() or (at,)
        since = max(at - timedelta(days=1), end)
        if since >= at:
            return
        moments = {"since": since - AGAIN_AFTER, "until": at - AGAIN_AFTER, "after": AGAIN_AFTER}
        for table, query in AGAIN.items():
            file = self.home / "inbox" / table / f"again-{at:%Y%m%d}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            used = {name: moment for name, moment in moments.items() if f"${name}" in query}
            self.sample.execute(f"copy ({query}) to '{file}' (header)", used)
