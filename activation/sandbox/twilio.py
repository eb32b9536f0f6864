"""Twilio's twin: ``POST /2010-04-01/Accounts/{sid}/Messages.json``, one message, with Twilio's codes.

Its magic numbers are those that Twilio's own test credentials refuse.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from activation.sandbox.calls import Call, Response, Twin, encoded

PATH = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages\.json")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
MAX_BODY_CHARACTERS = 1600
MAGIC_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too many requests",
    20500: "An internal server error has occurred",
    21211: "The 'To' number is not a valid phone number.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number.",
    21614: "'To' number is not a valid mobile number",
    21705: "The Messaging Service Sid is invalid.",
    21617: "The concatenated message body exceeds the 1600 character limit.",
}
CODES = {401: 20003, 403: 20003, 404: 20404, 429: 20429}


def error(status: int) -> Response:
    """Answer with an error that concerns the account or the service."""
    return _refusal(CODES.get(status, 20500), status)


def answer(call: Call) -> Response:
    """Accept the one message, or refuse it with its code."""
    path = PATH.fullmatch(call.path)
    if path is None or call.method != "POST":
        return error(404)
    if not all(call.basic):
        return error(401)
    form = call.form()
    code = _code(form)
    if code is not None:
        return _refusal(code, 400)
    callback = parse_qs(urlsplit(form.get("StatusCallback", "")).query)
    sid = f"SM{uuid.uuid4().hex}"
    accepted = {
        "campaign": callback.get("campaign", [None])[0],
        "message_id": callback.get("message_id", [None])[0],
        "address": form["To"],
        "provider_id": sid,
    }
    resource = {
        "account_sid": path[1],
        "api_version": "2010-04-01",
        "body": form["Body"],
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "sid": sid,
        "status": "accepted" if "MessagingServiceSid" in form else "queued",
        "to": form["To"],
        "uri": f"/2010-04-01/Accounts/{path[1]}/Messages/{sid}.json",
    }
    return replace(encoded(201, resource), accepted=(accepted,))


def _code(form: dict[str, str]) -> int | None:
    """Find the first code that refuses a message."""
    to, body = form.get("To", ""), form.get("Body", "")
    checks = (
        (not to, 21604),
        (not form.get("From") and not form.get("MessagingServiceSid"), 21603),
        ("MessagingServiceSid" in form and not SERVICE.fullmatch(form["MessagingServiceSid"]), 21705),
        (not body, 21602),
        (len(body) > MAX_BODY_CHARACTERS, 21617),
        (not NUMBER.fullmatch(to), 21211),
        (to in MAGIC_NUMBERS, MAGIC_NUMBERS.get(to)),
    )
    return next((code for applies, code in checks if applies), None)


def _refusal(code: int, status: int) -> Response:
    return encoded(
        status,
        {
            "code": code,
            "message": MESSAGES[code],
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
    )


TWIN = Twin(answer, error)
