"""Expo's twin: ``/--/api/v2/push/send`` with a ticket for each message, and ``/getReceipts``.

Tokens that hold ``unregistered``, ``too-big``, ``too-fast`` or ``no-credentials`` get a ticket that says so, and
those that hold ``gone`` a good ticket and a receipt that says so. A token of ``other-project`` fails the request.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.sandbox.jobs import Jobs

SEND, RECEIPTS = "/--/api/v2/push/send", "/--/api/v2/push/getReceipts"
MAX_MESSAGES = 100
MAX_RECEIPTS = 300
MAX_MESSAGE_BYTES = 4096
SHAPE = re.compile(
    r"Expo(?:nent)?PushToken\[(.+)\]|([a-z\d]{8}(?:-[a-z\d]{4}){3}-[a-z\d]{12})", re.IGNORECASE
)
CODES = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "TOO_MANY_REQUESTS"}
MARKS = {
    "unregistered": "DeviceNotRegistered",
    "too-big": "MessageTooBig",
    "too-fast": "MessageRateExceeded",
    "no-credentials": "InvalidCredentials",
}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    return _failure(status, CODES.get(status, "INTERNAL_SERVER_ERROR"))


def twin(home: Home, name: str) -> Twin:
    """Make a twin that remembers which of its tickets were for phones that are gone."""
    return Twin(_Expo(Jobs(home, name)).answer, error)


class _Expo:
    """Each ticket is a job, of which the twin knows its receipt."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def answer(self, call: Call) -> Response:
        """Answer one request."""
        doors: dict[str, Callable[[Any], Response]] = {SEND: self._send, RECEIPTS: self._found}
        if call.method != "POST" or call.path not in doors:
            return error(404)
        if not call.bearer:
            return error(401)
        try:
            return doors[call.path](json.loads(call.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _failure(400, "VALIDATION_ERROR")

    def _send(self, messages: Any) -> Response:
        if not isinstance(messages, list) or not messages:
            return _failure(400, "VALIDATION_ERROR")
        if len(messages) > MAX_MESSAGES:
            return _failure(400, "PUSH_TOO_MANY_NOTIFICATIONS")
        if len({"other-project" in message["to"] for message in messages}) > 1:
            return _failure(400, "PUSH_TOO_MANY_EXPERIENCE_IDS")
        tickets, accepted = [], []
        for message in messages:
            code = _refusal(message)
            if code is not None:
                tickets.append(_failed(code))
                continue
            ticket = str(uuid.uuid4())
            tickets.append({"status": "ok", "id": ticket})
            is_gone = "gone" in message["to"]
            self._jobs.take(ticket, _failed("DeviceNotRegistered") if is_gone else {"status": "ok"})
            data = message.get("data") or {}
            about = {key: data.get(key) for key in ("campaign", "message_id")}
            accepted.append({**about, "address": message["to"], "provider_id": ticket})
        return replace(encoded(200, {"data": tickets}), accepted=tuple(accepted))

    def _found(self, asked: Any) -> Response:
        ids = asked["ids"]
        if len(ids) > MAX_RECEIPTS:
            return _failure(400, "PUSH_TOO_MANY_RECEIPTS")
        known = {ticket: self._jobs.values(ticket) for ticket in ids}
        return encoded(200, {"data": {ticket: receipt[0] for ticket, receipt in known.items() if receipt}})


def _refusal(message: dict[str, Any]) -> str | None:
    token = message["to"]
    if not SHAPE.fullmatch(token):
        return "DeviceNotRegistered"
    if (
        len(json.dumps(message, ensure_ascii=False).encode()) > MAX_MESSAGE_BYTES + 256
    ):  # its blanks and escapes
        return "MessageTooBig"
    return next((code for mark, code in MARKS.items() if mark in token), None)


def _failed(code: str) -> dict[str, Any]:
    return {"status": "error", "message": "The recipient cannot be reached.", "details": {"error": code}}


def _failure(status: int, code: str) -> Response:
    return encoded(status, {"errors": [{"code": code, "message": "The request was refused."}]})
