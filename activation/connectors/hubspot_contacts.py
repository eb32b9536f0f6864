"""HubSpot contacts, CRM v3: sets as checkboxes on up to 100 contacts in one request.

A set is a property of its own, ``muster_`` and the set's name in small letters, digits and underscores
(``lifecycle_stage:active`` is ``muster_lifecycle_stage_active``), which must be made once in HubSpot: object Contact,
single checkbox. A member has ``true`` in it, and who leaves has nothing. One property for each value means that no
late removal takes a newer value away. A contact is found by its record id (``external_id``) and updated; where no
row of a request has one, by e-mail, and then made where there is none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.hubspot import MAX_INPUTS, TRACE, read_batch
from activation.connectors.rows import RowSql, check_rows
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

PATH = "/crm/v3/objects/contacts/batch"
VALUES = {Operation.ADD: "true", Operation.REMOVE: ""}


class HubSpotContacts:
    """Sets of contacts in HubSpot."""

    name: ClassVar[str] = "hubspot_contacts"
    connection: ClassVar[str] = "HUBSPOT"
    channel: ClassVar[str] = "crm"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})
    max_rows: ClassVar[int] = MAX_INPUTS
    throughput: ClassVar[Throughput] = Throughput(requests=190, seconds=10.0, workers=4, group=10)
    max_bytes: ClassVar[int] = 1_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        del sender  # a set is from nobody
        self._client = client or Client(connection)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Mark everybody in ``request`` as in the set or not; see :class:`activation.connectors.Connector`."""
        if not request.audience or request.operation not in self.operations:
            raise ConfigurationError("hubspot_contacts: a request names an audience, and adds or removes")
        check_rows(self.name, request.rows, self.max_rows)
        inputs, groups, has_ids, unidentified = self._sql.one(
            request.rows, _query(property_of(request.audience), VALUES[request.operation])
        )
        refused = {row: RowVerdict(State.REFUSED, "no_identifier") for row in unidentified or ()}
        if not groups:
            return Answer(State.REFUSED, "no_identifier", rows=refused)
        body = check_size(self.name, b'{"inputs":%b}' % inputs.encode(), self.max_bytes)
        reply = self._client.post(f"{PATH}/{'update' if has_ids else 'upsert'}", json_body=body)
        rows_of = {group["trace"]: group["rows"] for group in groups}
        answer = reply.unsettled() or read_batch(reply, rows_of)
        return replace(answer, rows={**answer.rows, **refused})


def property_of(audience: str) -> str:
    """Name the property that stands for a set. Raises ``ConfigurationError`` where nothing is left of its name."""
    name = re.sub(r"[^a-z0-9]+", "_", audience.lower()).strip("_")
    if not name:
        raise ConfigurationError("hubspot_contacts: an audience's name needs a letter or a digit")
    return f"muster_{name}"


def _query(name: str, value: str) -> str:
    """Write the SQL from rows to the inputs of a batch. HubSpot refuses a batch that names a contact twice."""
    return f"""
        with contacts as (
            select min(message_id) as trace, list(row order by row) as rows, min(row) as first_row,
                coalesce(nullif(external_id, ''), nullif(lower(trim(email)), '')) as id,
                case when nullif(external_id, '') is null then 'email' end as id_property
            from request_rows
            group by all
        ), inputs as (
            select *, case when id_property is null then json_object(
                'id', id, 'properties', {{'{name}': '{value}'}}, '{TRACE}', trace
            ) else json_object(
                'id', id, 'idProperty', id_property, 'properties', {{'{name}': '{value}'}}, '{TRACE}', trace
            ) end as input
            from contacts
        )
        select
            to_json(list(input order by first_row) filter (where id is not null))::varchar,
            list({{'trace': trace, 'rows': rows}} order by first_row) filter (where id is not null),
            bool_or(id_property is null) filter (where id is not null),
            flatten(list(rows) filter (where id is null))
        from inputs
    """
