"""HubSpot's own SDK puts the same bodies on the wire, built of its models, which check what is required."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hubspot
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships, messages
from hubspot.crm import contacts
from hubspot.crm.objects import tasks
from wire import as_json, header, wire

from activation.connectors.hubspot_contacts import HubSpotContacts
from activation.connectors.hubspot_tasks import HubSpotTasks

RawServerMaker = Callable[[Any], RawServer]
FIELDS: list[str | None] = [
    json.dumps({"first_name": "Zoë <b> & Co", "offer_text": "15 % off", "contact_id": "77"}),
    json.dumps({"first_name": "Ann", "offer_text": "{{ x }}"}),
]


def hubspot_client(server: RawServer) -> Any:
    return hubspot.Client.create(access_token="secret-token", api_client_kwargs={"host": server.url})


def redirected(api: Any, server: RawServer) -> Any:
    """Point one of HubSpot's APIs to another host."""
    api.api_client.configuration.host = server.url
    return api


EMPTY_BATCH = http_answer(
    201,
    b'{"status": "COMPLETE", "results": [], "startedAt": "2017-11-22T00:00:00Z",'
    b' "completedAt": "2017-11-22T00:00:00Z"}',
    "Content-Type: application/json",
)


def test_hubspot_tasks(raw_server: RawServerMaker) -> None:
    server = raw_server(EMPTY_BATCH)
    request = messages("hubspot_tasks", FIELDS, ["501", "502"])
    destination = HubSpotTasks(connection_to("hubspot_tasks", server.url), SENDER)
    destination.send(request)
    ours, authorization = wire(server), header(server, "Authorization")
    batch = redirected(hubspot_client(server).crm.objects.tasks.batch_api, server)
    batch.create(
        tasks.BatchInputSimplePublicObjectBatchInputForCreate(inputs=hubspot_inputs(as_json(ours[2])))
    )
    theirs = wire(server)
    assert theirs[:2] == ours[:2] == (("POST", "/crm/v3/objects/tasks/batch/create"), {})
    assert header(server, "Authorization").lower() == authorization.lower()
    assert as_json(theirs[2]) == as_json(ours[2])

    destination.look_up(request)
    ours = wire(server)
    asked = as_json(ours[2])
    batch.read(
        tasks.BatchReadInputSimplePublicObjectId(
            id_property=asked["idProperty"],
            inputs=asked["inputs"],
            properties=asked["properties"],
            properties_with_history=[],
        )
    )
    theirs = wire(server)
    assert theirs[0] == ours[0] == ("POST", "/crm/v3/objects/tasks/batch/read")
    assert as_json(theirs[2]) == asked


def test_hubspot_contacts(raw_server: RawServerMaker) -> None:
    server = raw_server(EMPTY_BATCH)
    destination = HubSpotContacts(connection_to("hubspot_contacts", server.url), SENDER)
    destination.send(memberships(["ann@example.com", "bob@example.com"], [None, None]))
    ours = wire(server)
    batch = redirected(hubspot_client(server).crm.contacts.batch_api, server)
    batch.upsert(
        contacts.BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=hubspot_inputs(as_json(ours[2]), "contacts")
        )
    )
    theirs = wire(server)
    assert theirs[:2] == ours[:2] == (("POST", "/crm/v3/objects/contacts/batch/upsert"), {})
    assert as_json(theirs[2]) == as_json(ours[2])


def hubspot_inputs(body: dict[str, Any], kind: str = "tasks") -> list[Any]:
    """Build the SDK's own models, which check what is required, of our inputs."""
    if kind == "contacts":
        return [
            contacts.SimplePublicObjectBatchInputUpsert(
                id=each["id"],
                id_property=each["idProperty"],
                properties=each["properties"],
                object_write_trace_id=each["objectWriteTraceId"],
            )
            for each in body["inputs"]
        ]
    return [
        tasks.SimplePublicObjectBatchInputForCreate(
            properties=each["properties"],
            object_write_trace_id=each["objectWriteTraceId"],
            associations=[
                tasks.PublicAssociationsForObject(
                    to=tasks.PublicObjectId(id=association["to"]["id"]),
                    types=[
                        tasks.AssociationSpec(
                            association_category=kind["associationCategory"],
                            association_type_id=kind["associationTypeId"],
                        )
                        for kind in association["types"]
                    ],
                )
                for association in each["associations"]
            ],
        )
        for each in body["inputs"]
    ]
