"""A receiver of signed webhooks, as one's own ought to be: it checks signatures, and acts once on each delivery id.

A row that names ``refused`` anywhere is refused. Bad signatures, old timestamps and known ids with another body get
what a careful receiver gives: 401, 401 and 422.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from activation.connectors.webhook import verify
from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.settings import read

KEPT_SECONDS = 86_400
MAX_BYTES = 2_000_000
ERRORS = {401: "bad_signature", 404: "not_found", 405: "not_allowed", 413: "too_large", 429: "slow_down"}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole delivery."""
    return encoded(status, {"error": ERRORS.get(status, "failed")})


def twin(home: Home, name: str) -> Twin:
    """Make the receiver behind one webhook. What it knows ends with the sandbox, but for its log."""
    del home
    return Twin(_Receiver(read(f"{name.upper()}_TOKEN") or "sandbox-token").answer, error)


class _Receiver:
    """One receiver; safe for several threads."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, bytes, Response]] = {}

    def answer(self, call: Call) -> Response:
        """Take a delivery, or answer a repeated one as the first time."""
        if call.path != "/deliveries":
            return error(404)
        if call.method != "POST":
            return error(405)
        if len(call.body) > MAX_BYTES:
            return error(413)
        if not verify(call.headers, call.body, self._secret, time.time()):
            return error(401)
        delivery = call.json()
        delivery_id = str(delivery.get("delivery_id"))
        with self._lock:
            at, body, first = self._known.get(delivery_id, (0.0, b"", None))
            if first is not None and time.time() - at < KEPT_SECONDS:
                return first if body == call.body else encoded(422, {"error": "id_reused"})
            response = _take(delivery_id, delivery)
            self._known[delivery_id] = (time.time(), call.body, replace(response, accepted=()))
        return response


def _take(delivery_id: str, delivery: dict[str, Any]) -> Response:
    about = {name: delivery.get(name) for name in ("campaign", "slot", "step", "operation", "audience")}
    accepted, refused = [], []
    for number, row in enumerate(delivery["rows"]):
        if "refused" in str(row.values()):
            refused.append({"row": number, "reason": "unknown_person"})
        else:
            accepted.append(about | {"delivery_id": delivery_id} | row)
    return replace(encoded(200, {"delivery_id": delivery_id, "refused": refused}), accepted=tuple(accepted))
