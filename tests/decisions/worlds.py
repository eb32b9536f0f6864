"""Small worlds full of edges: campaigns, people, wishes, history and policy drawn at random.

A world is reproducible from its seed and its two sizes. What is drawn keeps the promises that other tests hold the
real tables to: keys are unique, a campaign's place is its priority, a cap allows at least one contact, hours open
before they close. Everything else may happen, and moments fall on the boundaries of rules far more often than by
chance.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import product

from decision_layer import CAMPAIGNS, Row
from draws import CLOCKS, DAY, FAR, HOUR, MESSAGES, PLACES, SECOND, SETS, ZONES, Draw, bucket
from world_history import consents, contacts, sets, suppressions
from world_policy import contents, limits, places


@dataclass(frozen=True)
class World:
    """The tables a decision is made on, and the clock."""

    as_of: datetime
    tables: dict[str, list[Row]]

    def shuffled(self, seed: int) -> World:
        """The same world with every table in another order, and the candidates numbered anew."""
        draw = random.Random(seed)
        tables = {name: draw.sample(rows, len(rows)) for name, rows in self.tables.items()}
        numbers = draw.sample(range(10_000), len(tables["decision_candidates"]))
        candidates = zip(tables["decision_candidates"], numbers, strict=True)
        tables["decision_candidates"] = [row | {"candidate_id": number} for row, number in candidates]
        return replace(self, tables=tables)


def make_world(seed: int, people: int, campaigns: int) -> World:
    """A world with so many customers and campaigns."""
    draw = Draw(seed)
    as_of = draw.choice(CLOCKS)
    customers = _customers(draw, people)
    ids = [row["customer_id"] for row in customers]
    posts = [{"post_id": f"post{n}", "network": draw.one("x", "y")} for n in range(2)]
    candidates = _candidates(draw, as_of, ids, [row["post_id"] for row in posts], CAMPAIGNS[:campaigns])
    tables = {
        "decision_candidates": candidates,
        "dim_customers": customers,
        "dim_push_tokens": [{"customer_id": i, "push_token": f"token {i}"} for i in draw.some(ids, 0.7)],
        "dim_external_ids": [
            {"customer_id": i, "source_system": system, "external_id": f"{system} {i}"}
            for i, system in draw.some(list(product(ids, ("crm", "web"))), 0.7)
        ],
        "social_posts": draw.some(posts, 0.8),
        "int_consents_resolved": consents(draw, ids),
        "int_suppressions_resolved": suppressions(draw, ids, CAMPAIGNS[:campaigns]),
        "fct_contacts": contacts(draw, as_of, candidates, ids),
        **contents(draw, as_of),
        **places(draw),
        **limits(draw, candidates),
        **sets(draw, as_of, ids, candidates),
    }
    return World(as_of, tables)


def _customers(draw: Draw, people: int) -> list[Row]:
    rows = []
    for number in range(people):
        name = f"c{number:02d}"
        country = draw.one(*PLACES, "US", "US", "US", None, None)
        row = {
            "customer_id": name,
            "email": f"{name}@example.com",
            "phone": f"+1555010{number:04d}",
            "first_name": "Ada",
            "last_name": f"Person {name}",
            "address": f"{number} Main Street",
            "city": "Springfield",
            "postal_code": draw.one("05999", "06000", "069", "07000", "31999", "320", "34912", "06", "V5K"),
            "account_id": draw.one(None, None, "a1", "a2", "c00"),
            "country": country,
            "time_zone": draw.one(None, draw.choice(ZONES.get(country or "US", FAR)), draw.choice(FAR)),
            "language": draw.one(None, "en", "de", "fr"),
        }
        for column in draw.some(
            ["email", "phone", "first_name", "last_name", "address", "city", "postal_code"], 0.08
        ):
            row[column] = None
        rows.append(row)
    return rows


def _candidates(
    draw: Draw, as_of: datetime, ids: list[str], posts: list[str], campaigns: Sequence[str]
) -> list[Row]:
    midnight = datetime.combine(as_of.date() + DAY, time())
    rows: list[Row] = []
    for place, campaign in enumerate(campaigns, 1):
        kind = draw.one("message", "message", "message", "message", "set", "post")
        channel, purpose = draw.choice(MESSAGES)
        wishes: list[tuple[str, str | None]] = [("file", None)]
        if kind == "set":
            channel, purpose = draw.choice(list(SETS))
            destinations = SETS[channel, purpose]
            wishes = draw.some(list(product(sorted(set(destinations)), ("buyers", "leavers"))), 0.6)
        elif kind == "post":
            channel, purpose = "social", "publishing"
        after_days = draw.one(1, 7, 28)
        policy = {
            "campaign": campaign,
            "priority": place,
            "channel": channel,
            "purpose": purpose,
            "cap_class": draw.one("promo", "promo", "lifecycle", None) if kind == "message" else None,
            "on_cap": draw.one("defer", "drop"),
            "re_entry": draw.one("never", "after_days", "after_days", "always"),
            "re_entry_after_days": after_days,
            "quiet_hours_class": draw.one("marketing", "marketing", "service", "none")
            if kind == "message"
            else "none",
            "holdout_share": draw.one("0", "0", "0.1000", f"0.{_edge(draw, campaign, ids):04d}"),
            "excludes_recent_purchasers": draw.often(0.5),
        }
        offsets = (
            timedelta(0),
            timedelta(0),
            HOUR,
            9 * HOUR,
            13 * HOUR,
            midnight - as_of,
            midnight - as_of - SECOND,
        )
        offsets = (*offsets, 2 * DAY, -DAY)
        gaps = draw.one(0.1, 0.5)
        together = draw.choice(offsets) if draw.often(0.4) else None
        slots = [
            (slot, as_of + (draw.choice(offsets) if together is None else together))
            for slot in draw.some(["w1", "w2", "w10"], 0.5) or ["w1"]
        ]
        if kind == "set":
            slots = slots[:1]  # a set is wanted once in a run
        who = posts if kind == "post" else ids
        steps = [1, 2] if draw.often(0.4) and kind == "message" else [1]
        for (slot, at), step, (destination, audience), customer in product(slots, steps, wishes, who):
            if draw.often(gaps):
                continue
            whole_hour = at.replace(minute=0, second=0)
            later = draw.one(1, 5, 8, 11, 14, 20, 24, 48, 72)
            rows.append(
                policy
                | {
                    "slot": slot,
                    "step": step,
                    "customer_id": customer,
                    "destination": destination,
                    "audience_name": audience,
                    "scheduled_at": at,
                    "expires_at": whole_hour + (later + 1) * HOUR,
                    "template": None
                    if kind == "set"
                    else draw.one("t1", "t1", "t1", "t1", "t1", "t2", "t2", "t2", "t9", None),
                    "offer": draw.one(None, None, None, "o1", "o2", "o3", "o9") if draw.often(0.5) else None,
                    "exclusion_reasons": draw.one("too_new", "too_new,too_loyal")
                    if draw.often(0.06)
                    else None,
                    "qualified_by": "the draw",
                    "variant": draw.one("a", "b"),
                    "fields": "{}",
                }
            )
    numbers = draw.sample(range(10_000), len(rows))
    return [
        row | {"candidate_id": number}
        for row, number in zip(draw.sample(rows, len(rows)), numbers, strict=True)
    ]


def _edge(draw: Draw, campaign: str, ids: list[str]) -> int:
    """A share that ends exactly at somebody's number, or just beyond it."""
    return min(9_999, bucket(f"{campaign}|holdout|{draw.choice(ids)}") % 4_000 + draw.one(0, 1))
