"""SendGrid's twin: ``POST /v3/mail/send``, all or nothing, with SendGrid's limits and errors."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from activation.sandbox.calls import Call, Response, Twin, encoded

MAX_PERSONALIZATIONS = 1000
MAX_BYTES = 30_000_000
MAX_SUBSTITUTION_BYTES = 10_000
MAX_CATEGORIES = 10
ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
MESSAGES = {401: "authorization required", 403: "access forbidden", 413: "content too large"}
INVALID = "Does not contain a valid address."
DUPLICATE = "Each email address in the personalization block should be unique between to, cc, and bcc."


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    phrases = {each.value: each.phrase.lower() for each in HTTPStatus}
    return _errors(status, [(None, MESSAGES.get(status, phrases.get(status, "error")))])


def answer(call: Call) -> Response:
    """Accept everybody in the request, or nobody."""
    if call.path != "/v3/mail/send" or call.method != "POST":
        return error(404 if call.path != "/v3/mail/send" else 405)
    if not call.bearer:
        return error(401)
    if len(call.body) >= MAX_BYTES:
        return error(413)
    mail = call.json()
    found = [*_message_errors(mail), *_personalization_errors(mail.get("personalizations"))]
    if found:
        return _errors(400, found)
    accepted = tuple(
        {
            "campaign": people.get("custom_args", {}).get("campaign"),
            "message_id": people.get("custom_args", {}).get("message_id"),
            "address": to["email"],
        }
        for people in mail["personalizations"]
        for to in people["to"]
    )
    return Response(202, b"", {"X-Message-Id": uuid.uuid4().hex[:22]}, accepted)


def _message_errors(mail: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    sender = mail.get("from")
    if not isinstance(sender, dict) or not ADDRESS.fullmatch(str(sender.get("email", ""))):
        yield "from.email", INVALID
    if not mail.get("subject"):
        yield "subject", "The subject is required. You can get around this requirement if you use a template."
    content = mail.get("content")
    if not isinstance(content, list) or not content:
        yield "content", "Unless a valid template_id is provided, the content parameter is required."
    else:
        for index, part in enumerate(content):
            if not isinstance(part, dict) or not part.get("type") or not part.get("value"):
                yield (
                    f"content.{index}.value",
                    "The content value must be a string at least one character in length.",
                )
    categories = mail.get("categories", [])
    if len(categories) > MAX_CATEGORIES or len(set(categories)) < len(categories):
        yield "categories", "There are at most 10 categories, and each is unique."


def _personalization_errors(people: Any) -> Iterator[tuple[str | None, str]]:
    if not isinstance(people, list) or not people:
        yield (
            "personalizations",
            "The personalizations field is required and must have at least one personalization.",
        )
        return
    if len(people) > MAX_PERSONALIZATIONS:
        yield "personalizations", "There is a limit of 1000 personalizations per request."
        return
    addresses: Counter[str] = Counter()
    for index, personalization in enumerate(people):
        field = f"personalizations.{index}"
        recipients = personalization.get("to") if isinstance(personalization, dict) else None
        if not isinstance(recipients, list) or not recipients:
            yield f"{field}.to", "The to array is required for all personalization objects."
            continue
        for number, recipient in enumerate(recipients):
            address = str(recipient.get("email", "")) if isinstance(recipient, dict) else ""
            addresses[address.lower()] += 1
            if not ADDRESS.fullmatch(address):
                yield f"{field}.to.{number}.email", INVALID
            elif addresses[address.lower()] > 1:
                yield f"{field}.to", DUPLICATE
        pairs = personalization.get("substitutions", {})
        if sum(len(f"{tag}{value}".encode()) for tag, value in pairs.items()) > MAX_SUBSTITUTION_BYTES:
            yield f"{field}.substitutions", "The substitutions may not exceed 10000 bytes."


def _errors(status: int, found: list[tuple[str | None, str]]) -> Response:
    return encoded(
        status, {"errors": [{"message": message, "field": field, "help": None} for field, message in found]}
    )


TWIN = Twin(answer, error)
