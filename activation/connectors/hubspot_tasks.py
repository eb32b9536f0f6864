"""HubSpot tasks, CRM v3: up to 100 tasks for account managers in one request, each on the record that it is about.

A create has no idempotency key, so each task carries our message id in a property ``muster_message_id``, which must be
made once in HubSpot: object Task, single-line text, *unique values*. By it a lost answer is looked up, and HubSpot
refuses a second task of one id. The address of the outbox is the company's record id (``account_id`` of the CRM's own
accounts); a value ``contact_id`` among the fields, a contact's record id, associates that person as well. A task is due
at once. Its body is HTML to HubSpot, so the text is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.hubspot import MAX_INPUTS, TRACE, read_batch, record_id
from activation.connectors.lines import parts_sql
from activation.connectors.reply import Reply
from activation.connectors.rows import CLEAN, FIELDS, RowSql, check_rows, literal, missing_sql, values_sql
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Content, Operation, Request, RowVerdict, State

PATH = "/crm/v3/objects/tasks/batch"
ID_PROPERTY = "muster_message_id"
# HubSpot's own association types.
TASK_TO_COMPANY = 192
TASK_TO_CONTACT = 204


class HubSpotTasks:
    """Tasks in HubSpot for those who look after an account."""

    name: ClassVar[str] = "hubspot_tasks"
    connection: ClassVar[str] = "HUBSPOT"
    channel: ClassVar[str] = "task"
    capability: ClassVar[Capability] = Capability.LOOKUP
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = MAX_INPUTS
    # 190 requests in 10 seconds from the Professional edition on.
    throughput: ClassVar[Throughput] = Throughput(requests=190, seconds=10.0, workers=4, group=4)
    # A property's value is 65,536 characters at most.
    max_bytes: ClassVar[int] = 10_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or Client(connection)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Make a task for each row; see :class:`activation.connectors.Connector`."""
        if request.content is None or not {"subject", "text"} <= set(request.content.parts):
            raise ConfigurationError("hubspot_tasks: a request needs a template's content, subject and text")
        check_rows(self.name, request.rows, self.max_rows)
        query = _query(request.content, self._sender.fixed, datetime.now(UTC))
        inputs, sent, found = self._sql.one(request.rows, query)
        refused = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in found or ()}
        if not sent:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=refused)
        body = check_size(self.name, b'{"inputs":%b}' % inputs.encode(), self.max_bytes)
        reply = self._client.post(f"{PATH}/create", json_body=body)
        answer = reply.unsettled() or read_batch(reply, _rows_of(request, sent))
        return replace(answer, rows={**answer.rows, **refused})

    def look_up(self, request: Request) -> Answer:
        """Say which tasks of ``request`` are there, by our message ids; see :class:`LooksUp`.

        One that comes into being later does no harm: HubSpot refuses a second one of its id.
        """
        check_rows(self.name, request.rows, self.max_rows)
        rows_of = _rows_of(request, range(request.people))
        body = {
            "idProperty": ID_PROPERTY,
            "inputs": [{"id": message_id} for message_id in rows_of],
            "properties": [ID_PROPERTY],
            "propertiesWithHistory": [],
        }
        reply = self._client.post(f"{PATH}/read", json_body=json.dumps(body).encode())
        return _found(reply, rows_of)


def _rows_of(request: Request, rows: Iterable[int]) -> dict[str, list[int]]:
    ids = request.rows["message_id"].to_pylist()
    return {ids[row]: [row] for row in rows}


def _query(content: Content, fixed: dict[str, str], due: datetime) -> str:
    """Write the SQL from rows to the inputs of a batch, their rows, and who is refused and why."""
    parts = parts_sql(content, fixed)
    text = CLEAN["html"].format(parts["text"])
    names = sorted(content.placeholders - set(fixed))
    return f"""
        with values_of as (
            select row, message_id, address, {FIELDS} ->> '$.contact_id' as contact_id{values_sql(names)}
            from request_rows
        ), judged as (
            select *, {missing_sql(names)} as reason from values_of
        ), written as (
            select row, reason, {{
                'properties': {{
                    'hs_task_subject': {parts["subject"]},
                    'hs_task_body': replace({text}, chr(10), '<br>'),
                    'hs_task_status': 'NOT_STARTED',
                    'hs_timestamp': {literal(due.isoformat(timespec="seconds"))},
                    '{ID_PROPERTY}': message_id
                }},
                'associations': list_filter([
                    {_association("address", TASK_TO_COMPANY)}, {_association("contact_id", TASK_TO_CONTACT)}
                ], lambda association: association.to.id is not null),
                '{TRACE}': message_id
            }} as input
            from judged
        )
        select
            to_json(list(input order by row) filter (where reason is null))::varchar,
            list(row order by row) filter (where reason is null),
            list({{'row': row, 'reason': reason}} order by row) filter (where reason is not null)
        from written
    """


def _association(record: str, kind: int) -> str:
    types = f"[{{'associationCategory': 'HUBSPOT_DEFINED', 'associationTypeId': {kind}}}]"
    return f"{{'to': {{'id': {record}}}, 'types': {types}}}"


def _found(reply: Reply, rows_of: dict[str, list[int]]) -> Answer:
    """Judge a look-up: whoever it shows is there, and whoever it does not find is not."""
    unsettled = reply.unsettled()
    answer = reply.json() or {}
    results = answer.get("results")
    if unsettled is not None or not reply.is_success or not isinstance(results, list):
        return Answer(State.IN_DOUBT, f"look_up_{reply.reason}", retry_after=reply.retry_after)
    ids: dict[str, str | None] = {}
    for each in results:
        properties = each.get("properties") if isinstance(each, dict) else None
        if isinstance(properties, dict) and properties.get(ID_PROPERTY) in rows_of:
            ids[properties[ID_PROPERTY]] = record_id(each)
    if len(ids) != len(results) or answer.get("status") != "COMPLETE":
        return Answer(State.IN_DOUBT, "look_up_unreadable")
    verdicts = {
        row: RowVerdict(State.ACCEPTED, "", ids[message_id])
        for message_id, rows in rows_of.items()
        if message_id in ids
        for row in rows
    }
    if len(ids) < len(rows_of):
        return Answer(State.PLANNED, "not_found", rows=verdicts)
    return Answer(State.ACCEPTED, rows=verdicts)
