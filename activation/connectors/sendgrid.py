"""SendGrid, Mail Send v3: many people in one request, each with their own substitutions.

Fields and limits: Twilio's OpenAPI document ``tsg_mail_v3`` (1,000 personalizations, 10,000 bytes of
substitutions for each, 30 MB in all). There is no idempotency key: an unknown outcome stays in doubt. One bad
address fails the whole request with a 400 that names its index, so nobody else was mailed.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.reply import Reply
from activation.connectors.rows import CLEAN, RowSql, check_rows, literal, missing_sql, values_sql
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Content, Operation, Request, RowVerdict, State

MAX_SUBSTITUTION_BYTES = 10_000
PARTS = {"subject": "s", "text": "t", "html": "h"}
INDEX = re.compile(r"personalizations[.\[](\d{1,4})\b(?:\.([a-z_]+))?")


class SendGrid:
    """Marketing e-mail through SendGrid."""

    name: ClassVar[str] = "sendgrid"
    connection: ClassVar[str] = "SENDGRID"
    channel: ClassVar[str] = "email"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    # The API takes 1,000; so many people would be in doubt after one lost answer.
    max_rows: ClassVar[int] = 100
    throughput: ClassVar[Throughput] = Throughput(requests=600, workers=4, group=4)
    max_bytes: ClassVar[int] = 30_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or Client(connection)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Mail everybody in ``request``; see :class:`activation.connectors.Connector`."""
        if request.content is None:
            raise ConfigurationError("sendgrid: a request needs a template's content")
        check_rows(self.name, request.rows, self.max_rows)
        message, personalizations, sent, refused = self._encode(request, request.content)
        if not sent:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=refused)
        body = b'{"personalizations":%b,%b' % (personalizations.encode(), json.dumps(message).encode()[1:])
        reply = self._client.post("/v3/mail/send", json_body=check_size(self.name, body, self.max_bytes))
        answer = reply.unsettled() or _read(reply, sent)
        return replace(answer, rows={**answer.rows, **refused})

    def _encode(
        self, request: Request, content: Content
    ) -> tuple[dict[str, Any], str, list[int], dict[int, RowVerdict]]:
        """Build the message, the personalizations as JSON, their rows, and who is refused and why."""
        # SendGrid replaces one tag after the other, in values too: tags that no value can know.
        token = hashlib.sha256(request.request_id.encode()).hexdigest()[:16]
        everybody = self._sender.fixed
        parts: dict[str, str] = {}
        tags: dict[str, str] = {}
        for part, letter in PARTS.items():
            own = {name: f"-{token}.{letter}.{name}-" for name in content.placeholders}
            fixed = {
                name: html.escape(value) if part == "html" else value for name, value in everybody.items()
            }
            parts[part] = content.fill(part, {**own, **fixed})
            used = {name: tag for name, tag in own.items() if tag in parts[part]}
            tags.update({tag: CLEAN[part].format(f"value_{name}") for name, tag in used.items()})
        names = sorted(content.placeholders - set(everybody))
        personalizations, sent, refused = self._sql.one(request.rows, _query(request.campaign, names, tags))
        message: dict[str, Any] = {
            "from": {"email": self._sender.email, "name": self._sender.name},
            "subject": parts["subject"],
            "content": [
                {"type": "text/plain", "value": parts["text"]},
                {"type": "text/html", "value": parts["html"]},
            ],
            "categories": [request.campaign],
        }
        verdicts = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in refused or ()}
        return message, personalizations, sent or [], verdicts


def _query(campaign: str, names: list[str], tags: Mapping[str, str]) -> str:
    """Write the SQL from rows to personalizations. Names and tags are ours, so they need no quoting."""
    pairs = ", ".join(f"'{tag}', {value}" for tag, value in sorted(tags.items()))
    return f"""
        with values_of as (
            select row, message_id, address, unsubscribe_url as list_unsubscribe{values_sql(names)}
            from request_rows
        ), substituted as (
            select *, json_object({pairs}) as substitutions,
                {missing_sql(names)} as missing
            from values_of
        ), judged as (
            select *, coalesce(missing, case
                when strlen(substitutions::varchar) > {MAX_SUBSTITUTION_BYTES} then 'fields_too_long'
            end) as reason
            from substituted
        ), addressed as (
            select row, reason, json_object(
                'to', [{{'email': address}}],
                'custom_args', {{'message_id': message_id, 'campaign': {literal(campaign)}}},
                'substitutions', substitutions,
                'headers', case when list_unsubscribe is null then json_object() else json_object(
                    'List-Unsubscribe', '<' || list_unsubscribe || '>',
                    'List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'
                ) end
            ) as personalization
            from judged
        )
        select
            to_json(list(personalization order by row) filter (where reason is null))::varchar,
            list(row order by row) filter (where reason is null),
            list({{'row': row, 'reason': reason}} order by row) filter (where reason is not null)
        from addressed
    """


def _read(reply: Reply, sent: list[int]) -> Answer:
    """Judge an answer that was read. The errors' texts can hold addresses: only codes and fields leave."""
    message_id = reply.headers.get("X-Message-Id")
    match reply.status:
        case 202 if message_id:
            return Answer(State.ACCEPTED, provider_id=message_id)
        case 401 | 403 | 404 | 405:
            return Answer(State.PLANNED, f"sendgrid_{reply.status}", is_down=True)
        case 413:
            return Answer(State.REFUSED, "sendgrid_413")
    errors = (reply.json() or {}).get("errors")
    if reply.is_success or not isinstance(errors, list):
        return reply.unreadable()
    refused: dict[int, RowVerdict] = {}
    for error in errors:
        texts = (str(error.get(key) or "") for key in ("field", "message")) if isinstance(error, dict) else ()
        found = next(filter(None, map(INDEX.search, texts)), None)
        if found and int(found[1]) < len(sent):
            reason = f"sendgrid_{reply.status}_{found[2] or 'personalization'}"
            refused[sent[int(found[1])]] = RowVerdict(State.REFUSED, reason)
    if not refused:
        return Answer(State.REFUSED, f"sendgrid_{reply.status}")
    return Answer(State.PLANNED, f"sendgrid_{reply.status}_others", rows=refused)
