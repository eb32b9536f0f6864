"""What came back from a destination, and what may follow from it.

============ ==================================================================== =======================
verdict      when                                                                 what may follow
============ ==================================================================== =======================
``NOT_SENT`` refused connection, unknown name, failed TLS or a timeout before     it may be sent again
             the request began to leave; 429
``ANSWERED`` any other 2xx or 4xx, read to its end                                the connector reads it
``UNKNOWN``  5xx, 1xx, 3xx, 408; reset, timeout, truncated or oversized answer    never a blind retry
             once the request began to leave
============ ==================================================================== =======================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from activation.types import Answer, State

# Seconds since 1970 look like this; a smaller number in a reset header is a duration.
FIRST_EPOCH = 1_000_000_000


class Verdict(StrEnum):
    """What is known about a request; the table is at the top of the module."""

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, repr=False)
class Reply:
    """What came back, if anything; ``status`` is 0 where nothing did. Its repr shows no header and no body.

    ``retry_after`` is in seconds from now.
    """

    verdict: Verdict
    reason: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    retry_after: float | None = None

    def __repr__(self) -> str:
        return f"Reply({self.verdict}, {self.reason})"

    @property
    def is_success(self) -> bool:
        """Whether an answered request was answered with a 2xx; else it was a 4xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110, Successful 2xx

    def json(self) -> dict[str, Any] | None:
        """Read the body as a JSON object; ``None`` where it is none."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return parsed if isinstance(parsed, dict) else None

    def unsettled(self) -> Answer | None:
        """Answer for all rows where there is nothing for a connector to read, else ``None``."""
        if self.verdict is Verdict.UNKNOWN:
            return Answer(State.IN_DOUBT, self.reason)
        if self.verdict is Verdict.NOT_SENT:
            is_down = self.status == 0
            return Answer(State.PLANNED, self.reason, retry_after=self.retry_after, is_down=is_down)
        return None

    def unreadable(self) -> Answer:
        """Answer for all rows where an answer came that does not say what the vendor's answers say."""
        return Answer(State.IN_DOUBT, f"{self.reason}_unreadable")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, by ``Retry-After`` (seconds or a date, RFC 9110) or a reset header (epoch or seconds)."""
    for name in ("Retry-After", "X-RateLimit-Reset", "X-Rate-Limit-Reset"):
        value = headers.get(name, "").strip()
        if not value:
            continue
        now = datetime.now(UTC)
        try:
            number = float(value)
        except ValueError:
            try:
                moment = parsedate_to_datetime(value)
            except ValueError:
                continue
            number = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        if math.isfinite(number):
            return max(0.0, number - now.timestamp() if number >= FIRST_EPOCH else number)
    return None
