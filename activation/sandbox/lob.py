"""Lob's twin: ``POST /v1/postcards``, one card for each idempotency key and 24 hours of the home's clock.

The zip codes ``00000`` (nobody lives there) and ``00001`` (the deliverability's strictness) are refused.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from activation.clock import WallClock, clock_of
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded

KEY_KEPT = timedelta(hours=24)
MAX_KEY = 256
MAX_HTML = 10_000
LIMITS = {"name": 40, "address_line1": 64, "address_line2": 64, "address_city": 200, "address_state": 200}
NEEDED = ("name", "address_line1", "address_city", "address_state", "address_zip")
ZIP = re.compile(r"\d{5}(-\d{4})?")
REFUSED_ZIPS = {"00000": "invalid", "00001": "failed_deliverability_strictness"}
CODES = {
    401: "unauthorized",
    403: "billing_address_required",
    404: "unrecognized_endpoint",
    409: "conflict",
    422: "invalid",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}


def error(status: int) -> Response:
    """Answer with an error that concerns the account or the service."""
    return _error(status, CODES.get(status, "internal_server_error"))


def twin(home: Home, name: str) -> Twin:
    """Make a twin that remembers its keys. They do not outlive the sandbox."""
    del name
    return Twin(_Press(home).answer, error)


class _Press:
    """What was printed under which key; safe for several threads."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._printed: dict[str, tuple[datetime, Response]] = {}

    def answer(self, call: Call) -> Response:
        """Accept the one card, give the answer that its key had before, or refuse it with its code."""
        if (call.method, call.path) != ("POST", "/v1/postcards"):
            return error(404)
        user, password = call.basic
        if not user or password:
            return error(401)
        key = call.headers.get("Idempotency-Key", "")
        with self._lock:
            now = self._now()
            at, first = self._printed.get(key, (now, None))
            if key and first is not None and now - at < KEY_KEPT:
                return replace(first, accepted=())
            response = self._print(call.json(), key)
            if key and response.accepted:
                self._printed[key] = (now, response)
            return response

    def _print(self, card: dict[str, Any], key: str) -> Response:
        code = next(_codes(card, key), None)
        if code is not None:
            return _error(422, code)
        to, metadata = card["to"], card.get("metadata", {})
        address = ", ".join(str(to[name]) for name in NEEDED)
        accepted = {**{name: metadata.get(name) for name in ("campaign", "message_id")}, "address": address}
        body = {"id": f"psc_{uuid.uuid4().hex[:16]}", "object": "postcard", "size": card.get("size", "4x6")}
        return replace(encoded(200, body), accepted=(accepted,))

    def _now(self) -> datetime:
        try:
            return clock_of(self._home).now()
        except ConfigurationError:
            return WallClock().now()


def _codes(card: dict[str, Any], key: str) -> Iterator[str]:
    to, metadata = card.get("to"), card.get("metadata", {})
    if not isinstance(to, dict) or not all(isinstance(to.get(name), str) and to[name] for name in NEEDED):
        yield "invalid"
        return
    if len(key) > MAX_KEY or any(len(str(to.get(name, ""))) > limit for name, limit in LIMITS.items()):
        yield "invalid"
    if to.get("address_country", "US") != "US" and not card.get("from"):
        yield "invalid"
    if not ZIP.fullmatch(to["address_zip"]):
        yield "invalid"
    if to["address_zip"] in REFUSED_ZIPS:
        yield REFUSED_ZIPS[to["address_zip"]]
    if card.get("use_type") not in {"marketing", "operational"}:
        yield "mail_use_type_can_not_be_null"
    if any(
        not isinstance(card.get(side), str) or not 0 < len(card[side]) <= MAX_HTML
        for side in ("front", "back")
    ):
        yield "invalid_template_html"
    if any("{{" in card[side] for side in ("front", "back")) and not card.get("merge_variables"):
        yield "merge_variable_required"
    if any(mark in str(value) for value in metadata.values() for mark in '"\\'):
        yield "invalid"


def _error(status: int, code: str) -> Response:
    return encoded(status, {"error": {"message": "refused", "status_code": status, "code": code}})
