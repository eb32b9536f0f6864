"""What worlds are drawn from: the clocks, places, channels and reasons there are, and choices in few words."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

# Clocks change in the first six (United States, Europe, Australia); then a quarter's first and last moment, and a plain
# day. All are of a past year: what clocks did is the same in every release of the time-zone data.
CLOCKS = tuple(
    map(
        datetime.fromisoformat,
        (
            "2025-03-09T05:30", "2025-11-02T04:00", "2025-03-29T23:00", "2025-10-25T22:00", "2025-04-05T12:00",
            "2025-10-04T13:00", "2025-04-01T00:00", "2025-06-30T23:59:59", "2025-01-15T14:00",
        ),
    )
)  # fmt: skip
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
CLASSES = ("promo", "lifecycle", "service")
REASONS = ("erased", "legal", "manual", "complaint", "stop", "unsubscribe", "hard_bounce")
ZONES = {
    "US": ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"),
    "CA": ("America/St_Johns", "America/Vancouver"),
    "DE": ("Europe/Berlin",),
    "AT": ("Europe/Vienna",),
    "IN": ("Asia/Kolkata",),
    "AU": ("Australia/Sydney", "Australia/Lord_Howe", "Australia/Perth"),
}
PLACES = (*ZONES, "GB", "FR")  # GB is a market without zones in the seed, FR is no market
FAR = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu")
MESSAGES = (
    ("email", "marketing"), ("email", "marketing"), ("email", "service"), ("sms", "marketing"),
    ("push", "marketing"), ("mail", "marketing"), ("task", "account_management"), ("support", "service"),
    ("email", "publishing"),
)  # fmt: skip
SETS = {
    ("ads", "audience_matching"): ("meta", "google"),
    ("lists", "marketing"): ("klaviyo", "klaviyo"),
    ("crm", "record_keeping"): ("hubspot_contacts", "hubspot_contacts"),
    ("onsite", "personalisation"): ("onsite_webhook", "onsite_webhook"),
}
ASKED = {
    ("email", "marketing"): ("email", "marketing", "granted", True),
    ("email", "service"): ("email", "service", "not_withdrawn", True),
    ("sms", "marketing"): ("sms", "marketing", "granted", True),
    ("push", "marketing"): ("push", "marketing", "granted", True),
    ("mail", "marketing"): ("mail", "marketing", "not_withdrawn", True),
    ("ads", "audience_matching"): ("ads", "audience_matching", "granted", True),
    ("lists", "marketing"): ("email", "marketing", "granted", True),
    ("onsite", "personalisation"): ("onsite", "personalisation", "not_withdrawn", False),
    ("crm", "record_keeping"): (None, None, "none", False),
    ("task", "account_management"): (None, None, "none", False),
    ("support", "service"): (None, None, "none", False),
    ("social", "publishing"): (None, None, "none", False),
}

# Beside them, of people in Europe.
ASKED_BY_GOOGLE = ("ad_user_data", "ad_personalization")
EUROPE = ("DE", "AT", "FR")


def bucket(text: str) -> int:
    """The number from 0 to 9999 that a text is drawn: the first 32 bits of its MD5."""
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16) % 10_000


class Draw(random.Random):
    """Random choices in few words."""

    def one(self, *choices: T) -> T:
        return self.choice(choices)

    def some(self, choices: Sequence[T], share: float) -> list[T]:
        return [choice for choice in choices if self.random() < share]

    def often(self, share: float) -> bool:
        return self.random() < share
