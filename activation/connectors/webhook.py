"""A signed webhook of one's own: a shop's site, a help desk, a list, a social tool. Any name of the registry is one.

``POST <base URL>/deliveries`` with headers and signature of Standard Webhooks 1.0.0 (its specification, "Signature
scheme"): ``webhook-id`` is the request's id, ``webhook-timestamp`` the attempt's epoch seconds, ``webhook-signature``
``v1,`` and the base64 of HMAC-SHA256 over ``<id>.<timestamp>.<body>``. The secret is ``MUSTER_<name>_TOKEN``: 24 bytes
or more, as ``whsec_<base64>`` or any other text. It signs and never travels.

The body is ``{"type", "delivery_id", "campaign", "slot", "step", "operation", "audience", "template",
"content_version", "rows": [...]}``, where rows are what a file destination has as lines. It is the same in every
attempt of a request; only timestamp and signature are new. The receiver answers 2xx with
``{"delivery_id": <the same>, "refused": [{"row": 3, "reason": "unknown_customer"}]}``, nobody refused where that is
missing, and 4xx with ``{"error": "..."}`` where it acted on nobody. It keeps each id for 24 hours, and answers a known
one as it did first. Messages are idempotent by that. Changes of a set are not replayed even so: an old ``add`` after a
newer ``remove`` would bring an opted-out person back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Auth, Client, check_size
from activation.connectors.lines import members_sql, messages_sql
from activation.connectors.reply import Reply
from activation.connectors.rows import RowSql
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

PATH = "/deliveries"
TOLERANCE_SECONDS = 300
KEY_PREFIX = "whsec_"
REASON = re.compile(r"[A-Za-z0-9_.-]{1,60}")
SEVERAL = frozenset({400, 413, 422})


class Webhook:
    """What all webhooks share; made by :func:`message_webhook` and :func:`set_webhook`."""

    name: ClassVar[str]
    connection: ClassVar[str]
    channel: ClassVar[str]
    capability: ClassVar[Capability]
    operations: ClassVar[frozenset[Operation]]
    max_rows: ClassVar[int] = 500
    throughput: ClassVar[Throughput] = Throughput(requests=20, workers=4, group=4)
    max_bytes: ClassVar[int] = 2_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        if not connection.token:
            raise ConfigurationError(
                f"{self.name} signs with MUSTER_{self.connection}_TOKEN: set it (or _FILE)"
            )
        self._secret = _Key(connection.token)
        self._sender = sender
        self._client = client or Client(connection, Auth.NONE)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Post everybody in ``request``; see :class:`activation.connectors.Connector`."""
        is_set = Operation.SEND not in self.operations
        if request.operation not in self.operations or (is_set and not request.audience):
            asked = "names an audience, and adds or removes" if is_set else "sends"
            raise ConfigurationError(f"{self.name}: a request {asked}")
        if request.people > self.max_rows:
            raise ConfigurationError(f"{self.name}: a request carries at most {self.max_rows} people")
        if is_set:
            query = members_sql(request.operation, request.audience or "")
        else:
            query = messages_sql(request.content, self._sender.fixed)
        lines, people, others = self._sql.one(request.rows, query)
        refused = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in others or ()}
        if not people:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=refused)
        body = check_size(self.name, _body(request, lines, is_set=is_set), self.max_bytes)
        headers = signed_headers(request.request_id, int(time.time()), body, self._secret.text)
        reply = self._client.post(PATH, json_body=body, headers=headers)
        sent = [row for row in range(request.people) if row not in refused]
        answer = reply.unsettled() or _read(reply, request.request_id, sent)
        return replace(answer, rows={**answer.rows, **refused})


class _Messages(Webhook):
    capability: ClassVar[Capability] = Capability.IDEMPOTENT
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    replay_seconds: ClassVar[float] = 86_400.0


class _Sets(Webhook):
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})


def message_webhook(called: str, by: str) -> type[Webhook]:
    """Make the connector of one webhook for messages: its name in the outbox, and its channel."""

    class Destination(_Messages):
        name: ClassVar[str] = called
        connection: ClassVar[str] = called.upper()
        channel: ClassVar[str] = by

    return Destination


def set_webhook(called: str, by: str) -> type[Webhook]:
    """Make the connector of one webhook for changes of sets: its name in the outbox, and its channel."""

    class Destination(_Sets):
        name: ClassVar[str] = called
        connection: ClassVar[str] = called.upper()
        channel: ClassVar[str] = by

    return Destination


def signed_headers(delivery_id: str, timestamp: int, body: bytes, secret: str) -> dict[str, str]:
    """Give the three headers that sign one attempt; ``timestamp`` is in epoch seconds."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{_signature(delivery_id, str(timestamp), body, secret)}",
    }


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> bool:
    """Say for a receiver whether a request is ours and no older or newer than five minutes.

    ``headers`` may be in any case, ``body`` must be the bytes as they came in, ``now`` is in epoch seconds. A receiver
    also drops the ids that it knows: this alone would let a copy pass within the five minutes.
    """
    given = {name.lower(): value for name, value in headers.items()}
    delivery_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not delivery_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    expected = f"v1,{_signature(delivery_id, timestamp, body, secret)}".encode()
    candidates = given.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(candidate, expected) for candidate in candidates)


class _Key:
    """A secret that no repr shows."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "***"


def _signature(delivery_id: str, timestamp: str, body: bytes, secret: str) -> str:
    key = secret.encode()
    if secret.startswith(KEY_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(KEY_PREFIX), validate=True)
        except binascii.Error:
            raise ConfigurationError(f"a secret that begins with {KEY_PREFIX} goes on in base64") from None
    digest = hmac.digest(key, b".".join((delivery_id.encode(), timestamp.encode(), body)), hashlib.sha256)
    return base64.b64encode(digest).decode()


def _body(request: Request, lines: str, *, is_set: bool) -> bytes:
    about = {
        "type": "muster.members" if is_set else "muster.messages",
        "delivery_id": request.request_id,
        "campaign": request.campaign,
        "slot": request.slot,
        "step": request.step,
        "operation": request.operation,
        "audience": request.audience,
        "template": request.content and request.content.template,
        "content_version": request.content and request.content.version,
    }
    # JSON has no bare line break, so each one stands between two rows.
    rows = lines.removesuffix("\n").replace("\n", ",")
    return f'{json.dumps(about)[:-1]}, "rows": [{rows}]}}'.encode()


def _read(reply: Reply, delivery_id: str, sent: list[int]) -> Answer:
    """Judge an answer that was read; of what it says, only reasons that look like names leave."""
    if reply.status in {401, 403, 404, 405, 410}:
        return Answer(State.PLANNED, f"webhook_{reply.status}", is_down=True)
    answer = reply.json() or {}
    if not reply.is_success:
        code = _reason(answer.get("error"))
        # 409: it knows the id, and has not come to an end with it yet.
        if not code or reply.status == 409:  # noqa: PLR2004 - RFC 9110, Conflict
            return reply.unreadable()
        return Answer(State.REFUSED, f"webhook_{code}", is_divisible=reply.status in SEVERAL)
    refusals = answer.get("refused", [])
    if answer.get("delivery_id") != delivery_id or not isinstance(refusals, list):
        return reply.unreadable()
    rows: dict[int, RowVerdict] = {}
    for refusal in refusals:
        row, reason = (
            (refusal.get("row"), refusal.get("reason")) if isinstance(refusal, dict) else (None, None)
        )
        if type(row) is not int or not 0 <= row < len(sent):
            return reply.unreadable()
        rows[sent[row]] = RowVerdict(State.REFUSED, f"webhook_{_reason(reason) or 'refused'}")
    return Answer(State.ACCEPTED, provider_id=delivery_id, rows=rows)


def _reason(text: object) -> str:
    return text if isinstance(text, str) and REASON.fullmatch(text) else ""
