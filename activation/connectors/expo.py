"""Expo push, API v2: up to 100 notifications in one request, each with its own ticket, in the same order.

Limits and shapes: Expo's "Send notifications" and ``expo-server-sdk-node`` (100 messages, 300 receipts, six requests
at once; 600 notifications a second for a project; 4,096 bytes for each). There is no idempotency key: an unknown
outcome stays in doubt. A ticket says that Expo has the message; whether a phone got it, its receipt says later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.lines import parts_sql
from activation.connectors.reply import Reply
from activation.connectors.rows import RowSql, check_rows, literal, missing_sql, values_sql
from activation.errors import ConfigurationError, DestinationDownError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Content, Operation, Request, RowVerdict, State

MAX_MESSAGE_BYTES = 4096
MAX_RECEIPTS = 300
# The SDK's isExpoPushToken. Tokens of FCM or APNs itself are another destination's.
SHAPE = r"Expo(nent)?PushToken\[.+\]|(?i)[a-z\d]{8}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{12}"
CODE = re.compile(r"[A-Za-z][A-Za-z_]{0,63}")
# What passes, and what a person must mend for all of them: the message may be sent again.
PASSES = "MessageRateExceeded"
CREDENTIALS = "InvalidCredentials"


@dataclass(frozen=True)
class Receipt:
    """What became of a notification at Apple or Google; ``reason`` is Expo's code where it was not delivered."""

    provider_id: str
    is_delivered: bool
    reason: str = ""


class Expo:
    """Marketing push through Expo."""

    name: ClassVar[str] = "expo"
    connection: ClassVar[str] = "EXPO"
    channel: ClassVar[str] = "push"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 100
    throughput: ClassVar[Throughput] = Throughput(requests=6, workers=6, group=6)
    # 100 messages at their longest, and what JSON needs to write them.
    max_bytes: ClassVar[int] = 1_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or Client(connection)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Notify everybody in ``request``; see :class:`activation.connectors.Connector`.

        Each row has its own ``provider_id``, the ticket that :meth:`receipts` asks for.
        """
        if request.content is None or request.operation not in self.operations:
            raise ConfigurationError("expo: a request sends, and needs a template's content")
        check_rows(self.name, request.rows, self.max_rows)
        query = _query(request.campaign, request.content, self._sender.fixed)
        body, sent, others = self._sql.one(request.rows, query)
        refused = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in others or ()}
        if not sent:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=refused)
        body = check_size(self.name, body.encode(), self.max_bytes)
        reply = self._client.post("/--/api/v2/push/send", json_body=body)
        answer = reply.unsettled() or _read(reply, sent)
        return replace(answer, rows={**answer.rows, **refused})

    def receipts(self, ids: Sequence[str]) -> list[Receipt]:
        """Ask what became of tickets, in as many requests as it takes; those not decided yet are left out.

        Expo keeps receipts for a day. Raises ``DestinationDownError`` where one of the requests fails: none of
        them changes anything, so all may be asked again.
        """
        found: list[Receipt] = []
        for start in range(0, len(ids), MAX_RECEIPTS):
            body = json.dumps({"ids": list(ids[start : start + MAX_RECEIPTS])}).encode()
            reply = self._client.post("/--/api/v2/push/getReceipts", json_body=body)
            data = (reply.json() or {}).get("data") if reply.is_success else None
            if not isinstance(data, dict):
                raise DestinationDownError(f"expo: receipts cannot be asked for ({reply.reason}); ask later")
            for ticket, receipt in data.items():
                is_delivered = isinstance(receipt, dict) and receipt.get("status") == "ok"
                found.append(Receipt(ticket, is_delivered, "" if is_delivered else _code(receipt)))
        return found


def _query(campaign: str, content: Content, fixed: Mapping[str, str]) -> str:
    """Write the SQL from rows to the body: a list of messages, one for each row that can be sent."""
    names = sorted(content.placeholders - set(fixed))
    parts = parts_sql(content, fixed)
    return f"""
        with values_of as (
            select row, message_id, address{values_sql(names)} from request_rows
        ), written as (
            select row, address, {missing_sql(names)} as missing, to_json({{
                'to': address,
                'title': {parts["subject"]},
                'body': {parts["text"]},
                'data': {{'message_id': message_id, 'campaign': {literal(campaign)}}}
            }})::varchar as message
            from values_of
        ), judged as (
            select row, message, coalesce(missing, case
                when not regexp_full_match(address, {literal(SHAPE)}) then 'expo_not_a_token'
                when strlen(message) > {MAX_MESSAGE_BYTES} then 'fields_too_long'
            end) as reason
            from written
        )
        select
            '[' || string_agg(message, ',' order by row) filter (where reason is null) || ']',
            list(row order by row) filter (where reason is null),
            list({{'row': row, 'reason': reason}} order by row) filter (where reason is not null)
        from judged
    """


def _read(reply: Reply, sent: list[int]) -> Answer:
    """Judge an answer that was read. Messages of errors hold tokens: only codes leave."""
    if reply.status in {401, 403, 404}:
        return Answer(State.PLANNED, f"expo_{reply.status}", is_down=True)
    answer = reply.json() or {}
    if not reply.is_success:
        errors = answer.get("errors")
        if not isinstance(errors, list) or not errors:
            return reply.unreadable()
        # All or nothing: nobody was notified, and whose message is to blame is not said.
        return Answer(State.REFUSED, _code(errors[0], "code"), is_divisible=len(sent) > 1)
    tickets = answer.get("data")
    if not isinstance(tickets, list) or len(tickets) != len(sent):
        return reply.unreadable()
    verdicts = [_verdict(ticket) for ticket in tickets]
    if None in verdicts:
        return reply.unreadable()
    rows = {row: verdict for row, verdict in zip(sent, verdicts, strict=True) if verdict is not None}
    needs_a_person = any(verdict.reason == f"expo_{CREDENTIALS}" for verdict in rows.values())
    return Answer(
        State.ACCEPTED, f"expo_{CREDENTIALS}" if needs_a_person else "", rows=rows, is_down=needs_a_person
    )


def _verdict(ticket: Any) -> RowVerdict | None:
    """Judge one ticket; ``None`` where it is none."""
    status, ticket_id = (
        (ticket.get(key) for key in ("status", "id")) if isinstance(ticket, dict) else (None, None)
    )
    if status == "ok" and isinstance(ticket_id, str) and ticket_id:
        return RowVerdict(State.ACCEPTED, "", ticket_id)
    if status != "error":
        return None
    reason = _code(ticket)
    passes = reason.removeprefix("expo_") in {PASSES, CREDENTIALS}
    return RowVerdict(State.PLANNED if passes else State.REFUSED, reason)


def _code(error: Any, key: str = "") -> str:
    """Name an error by its code: of a ticket or receipt in its details, of a whole request at ``key``."""
    where = error if key or not isinstance(error, dict) else error.get("details")
    code = where.get(key or "error") if isinstance(where, dict) else None
    return f"expo_{code}" if isinstance(code, str) and CODE.fullmatch(code) else "expo_error"
