"""The twin of the dummies: a vendor as simple as one can be, that keeps every promise a vendor may make.

``POST /v1/messages`` accepts messages, with ``Idempotency-Key`` once for each key and home-clock day;
``POST /v1/messages/find`` tells which it has; ``POST /v1/sets/{set}`` adds and removes, ``GET`` lists the members.
Refused are rows whose address holds ``refused``. Beside the faults of all twins it knows ``refuse``, ``late``, ``die``
and ``accept_then_die``; see :mod:`activation.sandbox.faults`.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from activation.clock import WallClock, clock_of
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded

KEY_KEPT = timedelta(days=1)
MAX_ROWS = 1000
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    429: "too_many_requests",
}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    return encoded(status, {"error": CODES.get(status, "server_error")})


def twin(home: Home, name: str) -> Twin:
    """Make the twin of one dummy, with what it accepted before a restart. Keys do not outlive the sandbox."""
    return Twin(_Ledger(home, name).answer, error)


class _Ledger:
    """What one dummy's twin has; safe for several threads."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[datetime, bytes, Response]] = {}
        self._under_way: set[str] = set()
        self._found: dict[str, str] = {}
        self._sets: defaultdict[str, set[str]] = defaultdict(set)
        log = home.sandbox / "accepted.jsonl"
        for line in log.read_text().splitlines() if log.exists() else ():
            person = json.loads(line)
            if person["destination"] == name:
                self._keep(person)

    def answer(self, call: Call) -> Response:
        """Answer one request."""
        where, _, audience = call.path.removeprefix("/v1/").partition("/")
        if not call.bearer:
            return error(401)
        if (call.method, where) == ("GET", "sets"):
            return encoded(200, {"members": sorted(self._sets[audience])})
        if (call.method, call.path) == ("POST", "/v1/messages/find"):
            return self._find(call.json())
        if call.method != "POST" or (where, bool(audience)) not in {("messages", False), ("sets", True)}:
            return error(404)
        rows = call.json().get("rows")
        if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
            return error(413 if rows else 400)
        return self._take(call, audience)

    def _take(self, call: Call, audience: str) -> Response:
        kind, argument = call.fault
        body = call.json()
        if kind == "late":
            self._under_way.add(str(body.get("request_id")))
            time.sleep(argument)
        if kind == "die":
            return encoded(200, {"die": True})
        key = call.headers.get("Idempotency-Key")
        with self._lock:
            response = self._first(key, call.body) if key else None
            if response is None:
                response = self._accept(body, audience, int(argument) if kind == "refuse" else None)
                if key:
                    self._keys[key] = (self._now(), call.body, replace(response, accepted=()))
            self._under_way.discard(str(body.get("request_id")))
        if kind == "accept_then_die":
            return replace(encoded(200, {"die": True}), accepted=response.accepted)
        return response

    def _first(self, key: str, body: bytes) -> Response | None:
        """Give the answer that this key had before; another body under a known key is an error of the client."""
        at, first, response = self._keys.get(key, (None, b"", None))
        if at is None or response is None or self._now() - at >= KEY_KEPT:
            return None
        return response if body == first else encoded(409, {"error": "key_reused"})

    def _accept(self, body: dict[str, Any], audience: str, refused_row: int | None) -> Response:
        common = {name: body.get(name) for name in ("request_id", "campaign", "slot", "step", "operation")}
        common |= {"provider_id": uuid.uuid4().hex}
        if audience:
            common["audience"] = audience
        accepted, refused = [], []
        for number, person in enumerate(body["rows"]):
            if number == refused_row or "refused" in str(person.get("address") or ""):
                refused.append(
                    {"row": number, "reason": "scripted" if number == refused_row else "bad_address"}
                )
                continue
            accepted.append(common | person)
            self._keep(accepted[-1])
        answer = encoded(200, {"id": common["provider_id"], "refused": refused})
        return replace(answer, accepted=tuple(accepted))

    def _find(self, body: dict[str, Any]) -> Response:
        with self._lock:
            ids = [str(message_id) for message_id in body.get("message_ids", ())]
            found = {message_id: self._found[message_id] for message_id in ids if message_id in self._found}
        return encoded(200, {"found": found, "is_pending": body.get("request_id") in self._under_way})

    def _keep(self, person: dict[str, Any]) -> None:
        self._found[str(person.get("message_id"))] = str(person["provider_id"])
        if person.get("operation") == "add":
            self._sets[person["audience"]].add(str(person.get("customer_id")))
        elif person.get("operation") == "remove":
            self._sets[person["audience"]].discard(str(person.get("customer_id")))

    def _now(self) -> datetime:
        try:
            return clock_of(self._home).now()
        except ConfigurationError:
            return WallClock().now()
