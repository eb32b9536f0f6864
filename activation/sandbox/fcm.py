"""FCM's twin: ``POST /v1/projects/{project}/messages:send``, one notification, with FCM's codes.

Tokens that hold ``unregistered``, ``invalid`` or ``other-sender`` are refused with the code that says so.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any

from activation.sandbox.calls import Call, Response, Twin, encoded

PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")
MAX_MESSAGE_BYTES = 4096
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
CODES = {429: "QUOTA_EXCEEDED", 500: "INTERNAL", 503: "UNAVAILABLE"}
MARKS = {
    "unregistered": (404, "UNREGISTERED"),
    "invalid": (400, "INVALID_ARGUMENT"),
    "other-sender": (403, "SENDER_ID_MISMATCH"),
}


def error(status: int) -> Response:
    """Answer with an error that concerns the project or the service."""
    code = CODES.get(status)
    return _error(status, [{"@type": FCM_ERROR, "errorCode": code}] if code else [])


def answer(call: Call) -> Response:
    """Accept the one notification, or refuse it with its code."""
    path = PATH.fullmatch(call.path)
    if path is None or call.method != "POST":
        return error(404)
    if not call.bearer:
        return error(401)
    message = call.json().get("message")
    wrong = _wrong_field(message)
    if not isinstance(message, dict) or wrong:
        return _error(400, [{"@type": BAD_REQUEST, "fieldViolations": [{"field": wrong or "message"}]}])
    token = str(message["token"])
    for mark, (status, code) in MARKS.items():
        if mark in token:
            return _error(status, [{"@type": FCM_ERROR, "errorCode": code}])
    if len(call.body) > MAX_MESSAGE_BYTES:
        return _error(400, [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}])
    data = message.get("data", {})
    accepted = {
        "campaign": data.get("campaign"),
        "message_id": data.get("message_id"),
        "address": token,
    }
    return replace(
        encoded(200, {"name": f"projects/{path[1]}/messages/{uuid.uuid4()}"}), accepted=(accepted,)
    )


def _wrong_field(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "message"
    if not isinstance(message.get("token"), str) or not message["token"]:
        return "message.token"
    for part in ("notification", "data"):
        values = message.get(part, {})
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            return f"message.{part}"
    return None


def _error(status: int, details: list[dict[str, Any]]) -> Response:
    name = STATUSES.get(status, "INTERNAL")
    return encoded(
        status,
        {"error": {"code": status, "message": "refused", "status": name, "details": details}},
    )


TWIN = Twin(answer, error)
