"""Twilio, Messages 2010-04-01: one SMS in one request.

Fields: Twilio's OpenAPI document ``twilio_api_v2010``; codes: its error dictionary. There is no idempotency
key; Twilio says that a 429 was not processed and anything else unreadable stays in doubt.
"""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import quote, urlencode

from activation.connectors import Throughput
from activation.connectors.client import Auth, Client, check_size
from activation.connectors.reply import Reply
from activation.connectors.rows import fields_of, first_row
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, State

MAX_BODY_CHARACTERS = 1600
# What concerns the account or the sender and so everybody: sign-in, no such account, an invalid "From",
# one that cannot send SMS, and a messaging service that is not there, has no numbers or is none.
EVERYBODY = frozenset({20003, 20404, 21212, 21606, 21701, 21703, 21704, 21705})
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
TOO_MANY_REQUESTS = 20429


class Twilio:
    """Marketing SMS through Twilio."""

    name: ClassVar[str] = "twilio"
    connection: ClassVar[str] = "TWILIO"
    channel: ClassVar[str] = "sms"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 1
    throughput: ClassVar[Throughput] = Throughput(requests=100, workers=16, group=16)
    # 1,600 characters of at most four bytes, each of them three in a form, and the links.
    max_bytes: ClassVar[int] = 30_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or Client(connection, Auth.BASIC)
        account = quote(connection.username or "", safe="")
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"

    def send(self, request: Request) -> Answer:
        """Text the one person in ``request``; see :class:`activation.connectors.Connector`."""
        if request.content is None or request.people != 1:
            raise ConfigurationError("twilio: a request carries a template's content and one person")
        row = first_row(request.rows, "message_id", "address", "fields")
        fields = fields_of(row["fields"])
        missing = sorted(name for name in request.content.placeholders if name not in fields)
        if missing or not row["address"]:
            return Answer(State.REFUSED, f"missing_field_{missing[0]}" if missing else "missing_address")
        text = request.content.fill("text", fields)
        if len(text) > MAX_BODY_CHARACTERS:
            return Answer(State.REFUSED, "fields_too_long")
        if request.content.has_too_many_segments(text):
            return Answer(State.REFUSED, "too_many_segments")
        is_service = SERVICE.fullmatch(self._sender.phone) is not None
        form = {
            "To": row["address"],
            "MessagingServiceSid" if is_service else "From": self._sender.phone,
            "Body": text,
        }
        if self._sender.callback_url:
            ids = urlencode({"message_id": row["message_id"], "campaign": request.campaign})
            form["StatusCallback"] = f"{self._sender.callback_url}/twilio/status?{ids}"
        body = check_size(self.name, urlencode(form).encode(), self.max_bytes)
        reply = self._client.post(self._path, form=body)
        return reply.unsettled() or _read(reply)


def _read(reply: Reply) -> Answer:
    """Judge an answer that was read; its ``message`` can hold the number, so only the code leaves."""
    answer = reply.json() or {}
    if reply.is_success:
        sid = answer.get("sid")
        if isinstance(sid, str) and sid:
            return Answer(State.ACCEPTED, provider_id=sid)
        return reply.unreadable()
    code = answer.get("code")
    if code == TOO_MANY_REQUESTS:
        return Answer(State.PLANNED, "twilio_20429", retry_after=reply.retry_after)
    if reply.status in {401, 403} or code in EVERYBODY:
        return Answer(
            State.PLANNED, f"twilio_{code if isinstance(code, int) else reply.status}", is_down=True
        )
    if not isinstance(code, int):
        return reply.unreadable()
    return Answer(State.REFUSED, f"twilio_{code}")
