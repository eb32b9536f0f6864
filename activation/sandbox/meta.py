"""Meta's twin: ``/v26.0/{audience}/users``; POST adds, DELETE removes, and bad rows do not fail a call.

GET of ``/v26.0/{audience}`` says how it stands: well, but for one whose id ends in ``failed``.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from activation.sandbox.calls import Call, Response, Twin, encoded

PATH = re.compile(r"/v26\.0/([^/]+)/users")
AUDIENCE = re.compile(r"/v26\.0/([^/]+)")
NORMAL, FAILED = 200, 470
OPERATIONS = {"POST": "add", "DELETE": "remove"}
SCHEMA = ("EMAIL", "PHONE")
HASH = re.compile(r"[0-9a-f]{64}")
MAX_ROWS = 10_000
# By HTTP status: type, code, whether it is transient, message.
ERRORS = {
    401: ("OAuthException", 190, False, "Invalid OAuth access token."),
    403: ("OAuthException", 200, False, "Permissions error"),
    404: ("GraphMethodException", 100, False, "Unsupported request"),
    429: ("OAuthException", 80003, True, "There have been too many calls to this ad-account."),
}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    return _error(status, *ERRORS.get(status, ("OAuthException", 2, status >= 500, "An error occurred")))  # noqa: PLR2004 - HTTP


def answer(call: Call) -> Response:
    """Accept every row that holds a hash, and count the others."""
    asked = AUDIENCE.fullmatch(call.path)
    if asked is not None and call.method == "GET" and call.bearer:
        code = FAILED if asked[1].endswith("failed") else NORMAL
        return encoded(200, {"id": asked[1], "operation_status": {"code": code, "description": ""}})
    path = PATH.fullmatch(call.path)
    if path is None or call.method not in OPERATIONS:
        return error(404)
    form = call.form()
    if not (call.bearer or form.get("access_token")):
        return error(401)
    payload, session = _object(form.get("payload")), _object(form.get("session"))
    rows = payload.get("data")
    if tuple(payload.get("schema", ())) != SCHEMA or not isinstance(rows, list) or not rows:
        return _error(400, "OAuthException", 100, False, "Invalid parameter")
    if len(rows) > MAX_ROWS or not isinstance(session.get("session_id"), int):
        return _error(400, "OAuthException", 100, False, "Invalid parameter")
    valid = [row for row in rows if _is_valid(row)]
    accepted = tuple(
        {
            "audience": path[1],
            "operation": OPERATIONS[call.method],
            "identifiers": dict(zip(SCHEMA, row, strict=True)),
        }
        for row in valid
    )
    body: dict[str, Any] = {
        "audience_id": path[1],
        "session_id": str(session["session_id"]),
        "num_received": len(rows),
        "num_invalid_entries": len(rows) - len(valid),
        "invalid_entry_samples": {},
    }
    return replace(encoded(200, body), accepted=accepted)


def _is_valid(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != len(SCHEMA) or not any(row):
        return False
    return all(value == "" or (isinstance(value, str) and HASH.fullmatch(value)) for value in row)


def _object(text: str | None) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _error(status: int, kind: str, code: int, is_transient: bool, message: str) -> Response:  # noqa: FBT001
    return encoded(
        status,
        {"error": {"message": message, "type": kind, "code": code, "is_transient": is_transient}},
    )


TWIN = Twin(answer, error)
