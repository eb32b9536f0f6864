"""The plain data that moves between the steps, the journal and the connectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import pyarrow as pa

from activation.errors import ConfigurationError
from activation.segments import segments

MAX_SEGMENTS = 3
PLACEHOLDER = re.compile(r"(?<!\{)\{\{ *([a-z_]+) *\}\}(?!\})")


class State(StrEnum):
    """Where one message or membership change stands; see the state chart in ``journal.py``."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    EXCLUDED = "excluded"
    EXPIRED = "expired"
    HELD = "held"


class Capability(StrEnum):
    """What a destination promises about a request whose answer was lost."""

    IDEMPOTENT = "idempotent"
    LOOKUP = "lookup"
    SET = "set"
    FILE = "file"
    FIRE_AND_FORGET = "fire_and_forget"


class Operation(StrEnum):
    """What a row asks a destination to do."""

    SEND = "send"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True)
class Content:
    """A message template: its parts by name (``subject``, ``html``, ``text``) and its version.

    ``version`` is the first 12 hex digits of the SHA-256 over all parts. ``language`` is ``None`` for the default
    one. ``purpose`` is ``marketing``, or ``service`` for what people need to know and cannot unsubscribe from.
    What the parts say is true up to and including ``valid_until``; ``None`` is for ever. An SMS may take
    ``max_segments``.
    """

    template: str
    version: str
    channel: str
    parts: Mapping[str, str]
    placeholders: frozenset[str]
    language: str | None = None
    purpose: str = "marketing"
    valid_until: date | None = None
    max_segments: int = MAX_SEGMENTS

    @property
    def name(self) -> str:
        """What its copies in all languages are called: ``template`` without the language."""
        return self.template if self.language is None else self.template.removesuffix(f".{self.language}")

    def fill(self, part: str, values: Mapping[str, str]) -> str:
        """Put ``values`` into a part in one pass, as they are: they are never scanned for placeholders.

        Raises ``ConfigurationError`` where a value is missing; it names the placeholder, not the person.
        """

        def value(match: re.Match[str]) -> str:
            found = values.get(match[1])
            if found is None:
                raise ConfigurationError(f"template {self.template}, {part}: no value for {match[0]}")
            return found

        return PLACEHOLDER.sub(value, self.parts[part])

    def has_too_many_segments(self, text: str) -> bool:
        """Whether an SMS of this text takes more segments than the template may."""
        return segments(text).count > self.max_segments


@dataclass(frozen=True)
class Request:
    """What one HTTP request carries: rows of one campaign, slot, step and operation.

    ``rows`` has one row per person. Messages: ``position, message_id, customer_id, address, fields``
    (a JSON object of personalisation strings), ``unsubscribe_url``. Memberships: ``position, message_id,
    customer_id, email, phone, external_id``, all three nullable and as they are stored (hashing is the
    connector's); ``external_id`` is the customer's id in the destination's own system.
    """

    request_id: str
    campaign: str
    slot: str
    step: int
    operation: Operation
    audience: str | None
    content: Content | None
    rows: pa.Table

    @property
    def people(self) -> int:
        """How many people one lost answer would put in doubt."""
        return int(self.rows.num_rows)


@dataclass(frozen=True)
class RowVerdict:
    """What became of one row where it differs from the rest of its request."""

    state: State
    reason: str
    provider_id: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a connector learned from one request.

    ``state`` holds for every row but those in ``rows`` (by index into ``Request.rows``):
    ``accepted``, ``refused``, ``in_doubt``, or ``planned`` where the request was certainly not acted on
    and may be sent again, not before ``retry_after`` seconds. ``is_down`` says that the
    destination refuses everybody (credentials, outage), so that asking again is pointless.
    ``is_divisible`` goes with ``refused``: the request was refused as a whole, nobody in it was acted on and it
    does not say whose row is to blame, so that its halves may be tried.
    """

    state: State
    reason: str = ""
    provider_id: str | None = None
    rows: Mapping[int, RowVerdict] = field(default_factory=dict)
    retry_after: float | None = None
    is_down: bool = False
    is_divisible: bool = False


class TooLargeError(ConfigurationError):
    """A request's body is over the destination's limit: nothing was sent, and fewer rows may fit."""


class JobState(StrEnum):
    """How far a destination is with a request that it took and works on later."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True)
class JobStatus:
    """What a destination says of a request that it took: ``failed`` of its rows failed, for ``reason``.

    It names no row: who failed stays unknown, and ``reason`` is the vendor's own code.
    """

    state: JobState
    failed: int = 0
    reason: str = ""
