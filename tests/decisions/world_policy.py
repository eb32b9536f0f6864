"""What the house of a world has settled: contents, offers, markets, hours, caps, budgets and holdouts."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from itertools import product

from decision_layer import Row
from draws import ASKED, ASKED_BY_GOOGLE, DAY, EUROPE, ZONES, Draw, bucket


def contents(draw: Draw, as_of: datetime) -> dict[str, list[Row]]:
    days = [as_of.date() + n * DAY for n in (-1, 0, 0, 1, 2, 3)]
    templates = []
    for name, language in product(("t1", "t2"), (None, "de", "fr")):
        if draw.often(0.7 if language else 0.85):
            folder = f"{name}.{language}" if language else name
            last = draw.choice(days) if draw.often(0.35) else None
            version = hashlib.sha256(folder.encode()).hexdigest()[:12]
            templates.append(
                {
                    "template": folder,
                    "name": name,
                    "language": language,
                    "message_version": version,
                    "valid_until": last,
                    "purpose": draw.one("marketing", "marketing", "marketing", "marketing", "service", None),
                }
            )
    offers = [
        {
            "offer": offer,
            "offer_text": "less",
            "currency": draw.one(None, "USD", "EUR"),
            "valid_from": draw.choice(days) if draw.often(0.3) else date(2020, 1, 1),
            "valid_until": date(2030, 1, 1) if draw.often(0.6) else draw.choice(days),
        }
        for offer in ("o1", "o2", "o3")
    ]
    return {"stg_muster__templates": templates, "offers": offers}


def places(draw: Draw) -> dict[str, list[Row]]:
    policies = {
        market: {
            "market": market,
            "currency": draw.one("USD", "USD", "EUR"),
            "fallback_language": draw.one(None, "de", "fr"),
            "has_default_content": draw.often(0.75),
        }
        for market in ("US", "CA", "DE", "AT", "IN", "AU", "GB")
    }
    home = draw.one("US", "US", "DE", "CA")
    markets = [
        policy | {"country": market, "is_home": market == home, "is_open": draw.often(0.95)}
        for market, policy in policies.items()
    ]
    switches = [
        {"market": market, "channel": channel, "is_open": draw.often(0.5)}
        for market, channel in draw.some(list(product(policies, ("email", "sms", "task"))), 0.15)
    ]
    hours: list[Row] = []
    for name in ("marketing", "service"):
        scopes = [("US", None), ("US", "CT"), ("US", "FL"), ("DE", None), ("IN", None), ("CA", None)]
        for country, region in [(None, None), *draw.some(scopes, 0.5)]:
            opens, closes = draw.one((7, 22), (8, 21), (9, 20), (10, 18), (12, 13))
            if country == "DE" and draw.often(0.3):
                opens, closes = 0, 24
            hours.append(
                {
                    "quiet_hours_class": name,
                    "country": country,
                    "region": region,
                    "opens_at_hour": opens,
                    "closes_at_hour": closes,
                }
            )
    return {
        "markets": markets,
        "market_switches": switches,
        "quiet_hours": hours,
        "time_zones": [{"country": c, "time_zone": zone} for c, zones in ZONES.items() for zone in zones],
        "postal_regions": [
            {"country": "US", "region": "CT", "first_prefix": "060", "last_prefix": "069"},
            {"country": "US", "region": "FL", "first_prefix": "320", "last_prefix": "349"},
            {"country": "CA", "region": "BC", "first_prefix": "V0A", "last_prefix": "V9Z"},
        ],
        "country_areas": [{"area": "EEA", "country": country} for country in EUROPE],
        "destination_consents": [
            {"destination": "google", "consent_channel": "ads", "consent_purpose": purpose, "area": "EEA"}
            for purpose in ASKED_BY_GOOGLE
        ],
        "channel_purposes": [
            {
                "channel": channel,
                "purpose": purpose,
                "consent_channel": consent_channel,
                "consent_purpose": consent_purpose,
                "consent_rule": rule,
                "is_contact": is_contact or (channel in ("support", "social") and draw.often(0.3)),
            }
            for (channel, purpose), (consent_channel, consent_purpose, rule, is_contact) in ASKED.items()
        ],
    }


def limits(draw: Draw, candidates: list[Row]) -> dict[str, list[Row]]:
    scopes = ("customer", "account")
    keys = product(("promo", "lifecycle", "service", "any"), ("any", "any", "email", "sms"))
    caps = [
        {
            "cap": f"cap{number}",
            "cap_class": cap_class,
            "channel": channel,
            "scope": draw.choice(scopes),
            "max_contacts": draw.one(1, 2, 3),
            "window_days": draw.one(1, 2, 7),
        }
        for number, (cap_class, channel) in enumerate(draw.some(list(keys), 0.25))
    ]
    budgets = [{"channel": channel, "max_messages": draw.one(0, 1, 3, 6)} for channel in draw.some(
        ["email", "sms", "push", "mail", "task", "social"], 0.3)]  # fmt: skip
    people = sorted({row["customer_id"] for row in candidates}) or ["nobody"]
    salt = draw.one("2017", "pepper")
    edge = bucket(f"global|{salt}|{draw.choice(people)}") % 3_000 + draw.one(0, 1)
    holdouts = [
        {
            "holdout": holdout,
            "purpose": purpose,
            "salt": salt,
            "rotates": draw.one("never", "quarterly"),
            "share": share,
        }
        for holdout, purpose, share in (
            ("global", "marketing", draw.one("0.0200", "0.2000", f"0.{edge:04d}", "0")),
            ("global", "service", "0.1000"),
            ("another", "marketing", "1.0000"),
        )
        if draw.often(0.7)
    ]
    return {"frequency_caps": caps, "daily_budgets": budgets, "holdouts": holdouts}
