"""Firebase Cloud Messaging, HTTP v1: one notification in one request.

Fields and codes: Firebase's reference of ``projects.messages`` and its ``ErrorCode``; 4,096 bytes for a message and
600,000 a minute for a project. There is no idempotency key. Google says that ``UNAVAILABLE`` (503) may be tried again
but not that nobody was notified, so it stays in doubt as every 5xx does. The project is the connection's account
(``MUSTER_FCM_ACCOUNT``), or the one of its service account's key.
"""

from __future__ import annotations

import json
import re
from typing import ClassVar
from urllib.parse import quote

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.google_auth import ServiceAccount, signing_client
from activation.connectors.reply import Reply
from activation.connectors.rows import fields_of, first_row, one_line
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, State

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
MAX_MESSAGE_BYTES = 4096
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
# What says that this one phone cannot be reached from this project; any other 401, 403 or 404 concerns everybody.
THIS_PHONE = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})
CODE = re.compile(r"[A-Z][A-Z_]{0,63}")
# Tokens of Expo's are another destination's, and FCM would take each for a fault of the message.
EXPO_TOKEN = re.compile(r"Expo(?:nent)?PushToken\[")


class Fcm:
    """Marketing push through Firebase Cloud Messaging."""

    name: ClassVar[str] = "fcm"
    connection: ClassVar[str] = "FCM"
    channel: ClassVar[str] = "push"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 1
    throughput: ClassVar[Throughput] = Throughput(requests=10_000, workers=32, group=50)
    max_bytes: ClassVar[int] = 30_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or signing_client(connection)
        self._account = ServiceAccount(connection, SCOPE)
        self._path = f"/v1/projects/{quote(_project(connection), safe='')}/messages:send"

    def send(self, request: Request) -> Answer:
        """Notify the one person in ``request``; see :class:`activation.connectors.Connector`."""
        content = request.content
        if content is None or request.operation not in self.operations or request.people != 1:
            raise ConfigurationError("fcm: a request carries a template's content and one person")
        row = first_row(request.rows, "message_id", "address", "fields")
        values = {**fields_of(row["fields"]), **self._sender.fixed}
        missing = sorted(name for name in content.placeholders if name not in values)
        if missing or not row["address"]:
            return Answer(State.REFUSED, f"missing_field_{missing[0]}" if missing else "missing_address")
        if EXPO_TOKEN.match(row["address"]):
            return Answer(State.REFUSED, "fcm_not_a_token")
        title = content.fill("subject", {name: one_line(value) for name, value in values.items()})
        notification = {"title": title, "body": content.fill("text", values)}
        data = {"message_id": row["message_id"], "campaign": request.campaign}
        message = {"token": row["address"], "notification": notification, "data": data}
        body = json.dumps({"message": message}, ensure_ascii=False).encode()
        if len(body) > MAX_MESSAGE_BYTES:
            return Answer(State.REFUSED, "fields_too_long")
        check_size(self.name, body, self.max_bytes)
        headers = self._account.headers()
        if isinstance(headers, Answer):
            return headers
        reply = self._client.post(self._path, json_body=body, headers=headers)
        return reply.unsettled() or _read(reply)


def _project(connection: Connection) -> str:
    """Name the project: nobody else's messages go through its path."""
    project = connection.username or fields_of(connection.key).get("project_id")
    if not project:
        raise ConfigurationError(
            "MUSTER_FCM_ACCOUNT is not set: it is the id of the Firebase project, and a service account's key "
            "(MUSTER_FCM_KEY_FILE) has it too"
        )
    return project


def _read(reply: Reply) -> Answer:
    """Judge an answer that was read. Its message can hold the token, so only codes leave."""
    answer = reply.json() or {}
    if reply.is_success:
        name = answer.get("name")
        if isinstance(name, str) and name:
            return Answer(State.ACCEPTED, provider_id=name.rpartition("/")[2])
        return reply.unreadable()
    error = answer.get("error")
    if not isinstance(error, dict):
        return reply.unreadable()
    code = _code(error)
    if reply.status in {401, 403, 404} and code not in THIS_PHONE:
        return Answer(State.PLANNED, f"fcm_{code or reply.status}", is_down=True)
    if code is None:
        return reply.unreadable()
    return Answer(State.REFUSED, f"fcm_{code}")


def _code(error: dict[str, object]) -> str | None:
    """Read FCM's own code, or else the status that all of Google's APIs have."""
    details = error.get("details")
    found = [
        detail.get("errorCode")
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict) and detail.get("@type") == FCM_ERROR
    ]
    code = found[0] if found else error.get("status")
    return code if isinstance(code, str) and CODE.fullmatch(code) else None
