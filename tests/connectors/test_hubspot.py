"""HubSpot: results by trace and never by position, tasks that are looked up, and sets as checkboxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships, messages, with_row

from activation.connectors.hubspot_contacts import HubSpotContacts, property_of
from activation.connectors.hubspot_tasks import HubSpotTasks
from activation.connectors.registry import connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Operation, Request, State

RawServerMaker = Callable[[Any], RawServer]
ORDINARY = json.dumps({"first_name": "Zoë <b> & Co", "offer_text": "15 % off\nand more"})
TASKS = messages("hubspot_tasks", [ORDINARY, None, ORDINARY, ORDINARY], ["501", "502", "503", "504"])
MEMBERS = memberships(["ann@example.com", None, "Bob@Example.com", "bob@example.com "], [None] * 4)


def trace(row: int) -> str:
    return f"{row:032x}"


def batch(status: int, results: list[Any], errors: list[Any] | None = None, *headers: str) -> bytes:
    """Answer as HubSpot answers a batch."""
    body = {"status": "COMPLETE", "results": results}
    if errors is not None:
        body |= {"numErrors": len(errors), "errors": errors}
    return http_answer(status, json.dumps(body).encode(), *headers)


def error(category: str, *rows: int) -> dict[str, Any]:
    return {"category": category, "context": {"objectWriteTraceId": [trace(row) for row in rows]}}


def result(row: int, record: str = "77") -> dict[str, Any]:
    return {"id": record, "objectWriteTraceId": trace(row), "properties": {"muster_message_id": trace(row)}}


def send_tasks(server: RawServer, request: Request = TASKS) -> Answer:
    return HubSpotTasks(connection_to("hubspot_tasks", server.url), SENDER).send(request)


def states(answer: Answer, rows: int) -> list[State]:
    return [answer.rows[row].state if row in answer.rows else answer.state for row in range(rows)]


def test_a_task_is_about_its_company_and_carries_our_id(raw_server: RawServerMaker) -> None:
    server = raw_server(batch(201, [result(0), result(2), result(3)]))
    fields = json.dumps(json.loads(ORDINARY) | {"contact_id": "9"})
    answer = send_tasks(server, with_row(TASKS, 0, fields=fields))
    ((line, body),) = server.received
    assert line == "POST /crm/v3/objects/tasks/batch/create HTTP/1.1"
    first, *others = json.loads(body)["inputs"]
    assert first["properties"].pop("hs_timestamp").endswith("+00:00")
    assert first == {
        "properties": {
            "hs_task_subject": "Hi Zoë <b> & Co",
            "hs_task_body": "Here is 15 % off<br>and more from Example &amp; Sons, 1 Example Street",
            "hs_task_status": "NOT_STARTED",
            "muster_message_id": trace(0),
        },
        "associations": [
            {
                "to": {"id": record},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}],
            }
            for record, kind in (("501", 192), ("9", 204))
        ],
        "objectWriteTraceId": trace(0),
    }
    assert [[to["to"]["id"] for to in each["associations"]] for each in others] == [["503"], ["504"]]
    assert {row: (verdict.state, verdict.reason) for row, verdict in answer.rows.items()} == {
        0: (State.ACCEPTED, ""),
        1: (State.REFUSED, "missing_field_first_name"),
        2: (State.ACCEPTED, ""),
        3: (State.ACCEPTED, ""),
    }


def test_errors_are_joined_by_trace_and_not_by_position(raw_server: RawServerMaker) -> None:
    found = batch(207, [result(3, "5"), result(0, "6")], [error("VALIDATION_ERROR", 2)])
    answer = send_tasks(raw_server(found))
    assert states(answer, 4) == [State.ACCEPTED, State.REFUSED, State.REFUSED, State.ACCEPTED]
    assert (answer.rows[2].reason, answer.rows[0].provider_id) == ("hubspot_VALIDATION_ERROR", "6")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (batch(207, [{"id": "5"}, {"id": "6"}], [error("VALIDATION_ERROR", 2)]), "aRRa"),
        (batch(207, [result(0)], [error("VALIDATION_ERROR", 2)]), "aRRd"),
        (batch(207, [result(0), {"id": "6"}], [{"category": "VALIDATION_ERROR", "context": {}}]), "aRdd"),
        (batch(207, [result(0), result(3)], [error("CONFLICT", 2)]), "aRda"),
        (batch(201, [{"id": "1"}, {"id": "2"}]), "dRdd"),
        (batch(201, [{"id": "ann@example.com"}] * 3), "aRaa"),
        (http_answer(201, b'{"status": "COMPLETE"}'), "dRdd"),
        (http_answer(409, b'{"category": "CONFLICT"}'), "dRdd"),
        (http_answer(400, b'{"category": "VALIDATION_ERROR"}'), "RRRR"),
        (http_answer(400, b'{"category": "ann@example.com"}'), "dRdd"),
    ],
    ids=["untraced_results", "one_is_missing", "untraced_error", "conflict", "too_few", "odd_ids", "no_results",
         "all_conflict", "all_refused", "odd_category"],
)  # fmt: skip
def test_what_a_batch_says_of_each_row(answer: bytes, expected: str, raw_server: RawServerMaker) -> None:
    letters = {"a": State.ACCEPTED, "R": State.REFUSED, "d": State.IN_DOUBT}
    found = send_tasks(raw_server(answer))
    assert states(found, 4) == [letters[letter] for letter in expected]
    assert "example.com" not in repr(found)


def test_a_batch_that_was_refused_as_a_whole_may_be_halved(raw_server: RawServerMaker) -> None:
    assert send_tasks(raw_server(http_answer(400, b'{"category": "VALIDATION_ERROR"}'))).is_divisible
    answer = send_tasks(raw_server(http_answer(400, b'{"category": "RATE_LIMITS"}', "Retry-After: 7")))
    assert (answer.state, answer.retry_after, answer.is_down) == (State.PLANNED, 7.0, False)


def test_a_lost_answer_is_looked_up_by_our_ids(home: Home, sandbox: Sandbox) -> None:
    tasks = connector(home, "hubspot_tasks")
    assert isinstance(tasks, HubSpotTasks)
    assert states(tasks.look_up(TASKS), 4) == [State.PLANNED] * 4
    sandbox.script({"path_prefix": "/hubspot/", "fault": "accept_then_drop"})
    assert states(tasks.send(TASKS), 4) == [State.IN_DOUBT, State.REFUSED, State.IN_DOUBT, State.IN_DOUBT]
    found = tasks.look_up(TASKS)
    assert states(found, 4) == [State.ACCEPTED, State.PLANNED, State.ACCEPTED, State.ACCEPTED]
    assert len({verdict.provider_id for verdict in found.rows.values()} - {None}) == 3
    again = tasks.send(TASKS)
    assert states(again, 4) == [State.IN_DOUBT, State.REFUSED, State.IN_DOUBT, State.IN_DOUBT]
    assert len(sandbox.accepted()) == 3


def test_tasks_outlive_a_restart_of_the_sandbox(home: Home) -> None:
    with Sandbox(home):
        assert connector(home, "hubspot_tasks").send(TASKS).state is State.ACCEPTED
    with Sandbox(home):
        tasks = connector(home, "hubspot_tasks")
        assert isinstance(tasks, HubSpotTasks)
        assert tasks.look_up(TASKS).rows[3].state is State.ACCEPTED


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(500, b""),
        http_answer(400, b'{"category": "VALIDATION_ERROR"}'),
        http_answer(200, b"{}"),
        http_answer(200, b'{"status": "PENDING", "results": []}'),
        batch(200, [{"id": "1", "properties": {"muster_message_id": "another"}}]),
    ],
)
def test_a_look_up_that_cannot_be_read_tells_nothing(answer: bytes, raw_server: RawServerMaker) -> None:
    tasks = HubSpotTasks(connection_to("hubspot_tasks", raw_server(answer).url), SENDER)
    assert states(tasks.look_up(TASKS), 4) == [State.IN_DOUBT] * 4


def test_a_task_without_a_template_is_a_mistake(raw_server: RawServerMaker) -> None:
    with pytest.raises(ConfigurationError, match="template"):
        send_tasks(raw_server(b""), replace(TASKS, content=None))


@pytest.mark.parametrize(("operation", "value"), [(Operation.ADD, "true"), (Operation.REMOVE, "")])
def test_a_set_is_a_checkbox_of_contacts_found_by_mail(
    operation: Operation, value: str, raw_server: RawServerMaker
) -> None:
    server = raw_server(batch(200, [result(0), result(2)], None, "X-HubSpot-Correlation-Id: c1"))
    contacts = HubSpotContacts(connection_to("hubspot_contacts", server.url), SENDER)
    answer = contacts.send(replace(MEMBERS, operation=operation, audience="lifecycle_stage:Active"))
    ((line, body),) = server.received
    assert line == "POST /crm/v3/objects/contacts/batch/upsert HTTP/1.1"
    # Two rows of one address are one contact: HubSpot refuses a batch that names it twice.
    assert json.loads(body)["inputs"] == [
        {
            "id": address,
            "idProperty": "email",
            "properties": {"muster_lifecycle_stage_active": value},
            "objectWriteTraceId": trace(row),
        }
        for address, row in (("ann@example.com", 0), ("bob@example.com", 2))
    ]
    assert states(answer, 4) == [State.ACCEPTED, State.REFUSED, State.ACCEPTED, State.ACCEPTED]
    assert answer.provider_id == "c1"


def test_who_has_a_record_id_is_updated_and_never_made(home: Home, sandbox: Sandbox) -> None:
    request = memberships(["ann@example.com", None, None, None], [None] * 4)
    for row, record in ((0, "501"), (1, "502"), (3, "missing-1")):
        request = with_row(request, row, external_id=record)
    answer = connector(home, "hubspot_contacts").send(request)
    assert states(answer, 4) == [State.ACCEPTED, State.ACCEPTED, State.REFUSED, State.REFUSED]
    assert answer.rows[3].reason == "hubspot_OBJECT_NOT_FOUND"
    found = [(line["audience"], line["operation"], line["identifiers"]) for line in sandbox.accepted()]
    assert found == [("muster_120330", "add", {"id": "501"}), ("muster_120330", "add", {"id": "502"})]


def test_a_set_without_a_name_is_a_mistake() -> None:
    assert property_of("value_tier:vip") == "muster_value_tier_vip"
    with pytest.raises(ConfigurationError, match="letter or a digit"):
        property_of("::")
