"""What is known of the people of a world: wishes, suppressions, earlier contacts, and what sets may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import product

from decision_layer import CAMPAIGNS, Row
from draws import ASKED, ASKED_BY_GOOGLE, CLASSES, DAY, HOUR, REASONS, SECOND, SETS, Draw


def consents(draw: Draw, ids: list[str]) -> list[Row]:
    asked = sorted({(channel, purpose) for channel, purpose, _, _ in ASKED.values() if channel and purpose})
    further = [*product(("ads", "email"), ASKED_BY_GOOGLE), ("ads", "measurement")]  # nobody asks for some
    said = draw.some(list(product(ids, asked)), 0.9) + draw.some(list(product(ids, further)), 0.7)
    return [
        {
            "customer_id": customer,
            "channel": channel,
            "purpose": purpose,
            "state": draw.one("granted", "granted", "granted", "granted", "granted", "withdrawn", "expired"),
        }
        for customer, (channel, purpose) in said
    ]


def suppressions(draw: Draw, ids: list[str], campaigns: Sequence[str]) -> list[Row]:
    channels = ("email", "sms", "mail", "ads", "lists", "support", "all")
    keys = [*product(ids, channels, (None,)), *product(ids, channels, campaigns)]
    unlucky = draw.some(ids, 0.12)
    often = list(product(unlucky, ("email", "all"), (*campaigns, None)))
    keys = [key for key in keys if key not in often]
    return [
        {"customer_id": customer, "channel": channel, "campaign": campaign, "reason": draw.choice(REASONS)}
        for customer, channel, campaign in [*draw.some(keys, 0.02), *draw.some(often, 0.4)]
    ]


def contacts(draw: Draw, as_of: datetime, candidates: list[Row], ids: list[str]) -> list[Row]:
    today = datetime.combine(as_of.date(), time())
    moments = [as_of - days * DAY + shift for days in (1, 2, 7) for shift in (timedelta(0), SECOND, -SECOND)]
    moments += [today - days * DAY + shift for days in (0, 1, 7, 28) for shift in (timedelta(0), -SECOND)]
    moments += [today + days * DAY for days in (1, 2)]
    messages = [row for row in candidates if row["audience_name"] is None]
    of_these = [
        {
            "customer_id": row["customer_id"],
            "campaign": row["campaign"],
            "slot": draw.one(row["slot"], "w0", None),
            "step": draw.one(row["step"], 1, 2, None),
            "channel": row["channel"],
            "cap_class": row["cap_class"],
            "contacted_at": draw.choice(moments),
        }
        for row in draw.some(messages, 0.15)
    ]
    of_others = [
        {
            "customer_id": customer,
            "campaign": draw.one("of_old", *CAMPAIGNS) if draw.often(0.3) else "of_old",
            "channel": draw.one("email", "sms", "push", "mail"),
            "cap_class": draw.one(*CLASSES, None),
            "contacted_at": draw.choice(moments),
        }
        for customer in draw.some(ids * 2, 0.3)
    ]
    return [row | {"contact_id": f"k{number}"} for number, row in enumerate([*of_these, *of_others])]


def sets(draw: Draw, as_of: datetime, ids: list[str], candidates: list[Row]) -> dict[str, list[Row]]:
    destinations = [
        {"destination": name, "channel": channel, "purpose": purpose, "needs_audience_id": channel == "ads"}
        for (channel, purpose), names in SETS.items()
        for name in sorted(set(names))
    ]
    pairs = list(product(("meta", "google", "klaviyo"), ("buyers", "leavers")))
    audiences = [
        {"destination": destination, "audience_name": name, "audience": f"{destination} {name}"}
        for destination, name in draw.some(pairs, 0.7)
    ]
    known = {(row["destination"], row["audience_name"]): row["audience"] for row in audiences}
    wishes = [row for row in candidates if row["audience_name"] is not None]
    receipts = []
    for row in draw.some(wishes * 2, 0.3):
        key = row["destination"], row["audience_name"]
        customer = row["customer_id"] if draw.often(0.8) else draw.choice(ids)
        inside = row["channel"] in ("crm", "onsite")
        receipts.append(
            {
                "campaign": row["campaign"],
                "destination": row["destination"],
                "audience": known.get(key, row["audience_name"]),
                "customer_id": customer,
                "operation": draw.one("add", "add", "remove"),
                "email": None if inside else draw.one(f"{customer}@example.com", "old@example.com", None),
                "phone": None if inside else f"+1555010{int(customer[1:]):04d}",
                "external_id": f"crm {customer}" if inside else None,
                "state": draw.one("accepted", "accepted", "in_doubt", "refused"),
                "attempted_at": as_of - draw.one(1, 2, 3) * DAY,
                "known_at": as_of - HOUR,
            }
        )
    return {
        "set_destinations": destinations,
        "destination_audiences": audiences,
        "int_membership_receipts_settled": receipts,
    }
