"""Destinations that deliver to nobody, one for each promise: what tests and tortures break, in rehearsal homes alone.

They ask their twin, :mod:`activation.sandbox.dummy`, as a simple vendor would be asked, and obey one thing more: an
answer may tell them to die, so that a process ends between a vendor's acceptance and our record of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.reply import Reply
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

REASON = re.compile(r"[a-z0-9_]{1,40}")
TOO_LARGE = 413
# What the twin is told of each person, and of what one thing at least must be there.
MESSAGES = (("message_id", "customer_id", "address"), ("address",))
MEMBERS = (("message_id", "customer_id", "email", "phone", "external_id"), ("email", "phone", "external_id"))


class Dummy:
    """What all of them share: one request, and an answer that may single out rows."""

    name: ClassVar[str]
    connection: ClassVar[str]
    channel: ClassVar[str] = "email"
    capability: ClassVar[Capability]
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 10
    throughput: ClassVar[Throughput] = Throughput(workers=4, group=4)
    max_bytes: ClassVar[int] = 1_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        del sender  # nobody hears from a dummy
        self._is_allowed = connection.is_sandbox_allowed
        self._client = client or Client(connection)

    def send(self, request: Request) -> Answer:
        """Hand everybody in ``request`` to the twin; see :class:`activation.connectors.Connector`.

        Does not return where the answer says ``die``: this process ends as if it had been killed.
        """
        if not self._is_allowed:
            raise ConfigurationError(f"{self.name}: a live home refuses a destination that reaches nobody")
        is_set = Operation.SEND not in self.operations
        if request.operation not in self.operations or (is_set and not request.audience):
            asked = "names an audience, and adds or removes" if is_set else "sends"
            raise ConfigurationError(f"{self.name}: a request {asked}")
        if request.people > self.max_rows:
            raise ConfigurationError(f"{self.name}: a request carries at most {self.max_rows} people")
        columns, needed = MEMBERS if is_set else MESSAGES
        # So few rows are quicker in Python than a query is begun.
        people = request.rows.select(list(columns)).to_pylist()
        sent = [row for row, person in enumerate(people) if any(person[name] for name in needed)]
        reason = "no_identifier" if is_set else "missing_address"
        refused = {row: RowVerdict(State.REFUSED, reason) for row in set(range(len(people))) - set(sent)}
        if not sent:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=refused)
        about = {
            "request_id": request.request_id,
            "campaign": request.campaign,
            "slot": request.slot,
            "step": request.step,
            "operation": request.operation,
            "rows": [people[row] for row in sent],
        }
        body = json.dumps(about).encode()
        path = f"/v1/sets/{quote(request.audience or '', safe='')}" if is_set else "/v1/messages"
        check_size(self.name, body, self.max_bytes)
        reply = self._client.post(path, json_body=body, headers=self._headers(request))
        answer = reply.unsettled() or _read(reply, sent)
        return replace(answer, rows={**answer.rows, **refused})

    def _headers(self, request: Request) -> Mapping[str, str]:
        del request
        return {}


class DummyFire(Dummy):
    """A lost answer stays in doubt: nobody can be asked, and nothing may be repeated."""

    name: ClassVar[str] = "dummy_fire"
    connection: ClassVar[str] = "DUMMY_FIRE"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET


class DummyIdempotent(Dummy):
    """The same key twice is one request: the first answer comes again."""

    name: ClassVar[str] = "dummy_idempotent"
    connection: ClassVar[str] = "DUMMY_IDEMPOTENT"
    capability: ClassVar[Capability] = Capability.IDEMPOTENT
    replay_seconds: ClassVar[float] = 86_400.0

    def _headers(self, request: Request) -> Mapping[str, str]:
        return {"Idempotency-Key": request.request_id}


class DummyLookup(Dummy):
    """It can be asked what it has, by our message ids."""

    name: ClassVar[str] = "dummy_lookup"
    connection: ClassVar[str] = "DUMMY_LOOKUP"
    capability: ClassVar[Capability] = Capability.LOOKUP

    def look_up(self, request: Request) -> Answer:
        """Say which messages are there; see :class:`activation.connectors.LooksUp`."""
        ids = request.rows["message_id"].to_pylist()
        body = json.dumps({"request_id": request.request_id, "message_ids": ids}).encode()
        reply = self._client.post("/v1/messages/find", json_body=body)
        answer = reply.json() or {}
        found = answer.get("found")
        if reply.unsettled() or not reply.is_success or not isinstance(found, dict):
            return Answer(State.IN_DOUBT, f"look_up_{reply.reason}")
        if answer.get("is_pending") is True:
            return Answer(State.IN_DOUBT, "look_up_pending")
        rows = {
            row: RowVerdict(State.ACCEPTED, "", str(found[message_id]))
            for row, message_id in enumerate(ids)
            if message_id in found
        }
        if len(rows) == len(ids):
            return Answer(State.ACCEPTED, provider_id=rows[0].provider_id, rows=rows)
        return Answer(State.PLANNED, "not_found", rows=rows)


class DummySet(Dummy):
    """A set of people: adding twice is adding once."""

    name: ClassVar[str] = "dummy_set"
    connection: ClassVar[str] = "DUMMY_SET"
    channel: ClassVar[str] = "ads"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})
    max_rows: ClassVar[int] = 100


def _read(reply: Reply, sent: list[int]) -> Answer:
    """Judge an answer that was read; only reasons that look like the twin's own leave."""
    answer = reply.json() or {}
    if answer.get("die") is True:
        os.kill(os.getpid(), signal.SIGKILL)
    if reply.status in {401, 403}:
        return Answer(State.PLANNED, f"dummy_{reply.status}", is_down=True)
    if not reply.is_success:
        code = _reason(answer.get("error"))
        if not code:
            return reply.unreadable()
        return Answer(State.REFUSED, code, is_divisible=reply.status == TOO_LARGE)
    provider_id, refusals = answer.get("id"), answer.get("refused")
    if not isinstance(provider_id, str) or not provider_id or not isinstance(refusals, list):
        return reply.unreadable()
    rows: dict[int, RowVerdict] = {}
    for refusal in refusals:
        row, reason = (
            (refusal.get("row"), refusal.get("reason")) if isinstance(refusal, dict) else (None, None)
        )
        if not isinstance(row, int) or not 0 <= row < len(sent):
            return reply.unreadable()
        rows[sent[row]] = RowVerdict(State.REFUSED, _reason(reason) or "refused")
    return Answer(State.ACCEPTED, provider_id=provider_id, rows=rows)


def _reason(text: object) -> str:
    return f"dummy_{text}" if isinstance(text, str) and REASON.fullmatch(text) else ""
