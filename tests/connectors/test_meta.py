"""Meta: hashed people in a form, and a 200 that may mean less than it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships, messages

from activation.connectors.hashing import meta_email, meta_phone
from activation.connectors.meta import Meta
from activation.connectors.registry import connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Operation, State

RawServerMaker = Callable[[Any], RawServer]
PEOPLE = memberships(
    [" Foo.Bar@Example.COM ", None, "", "ann@example.com"], ["+1 (800) 555-0100", "+15550100123", None, None]
)


def received(count: int, invalid: int) -> bytes:
    return http_answer(
        200, json.dumps({"session_id": "7", "num_received": count, "num_invalid_entries": invalid}).encode()
    )


def send(server: RawServer) -> Answer:
    return Meta(connection_to("meta", server.url), SENDER).send(PEOPLE)


@pytest.mark.parametrize(("operation", "method"), [(Operation.ADD, "POST"), (Operation.REMOVE, "DELETE")])
def test_people_travel_hashed_in_the_body(
    operation: Operation, method: str, raw_server: RawServerMaker
) -> None:
    server = raw_server(received(3, 0))
    answer = Meta(connection_to("meta", server.url), SENDER).send(replace(PEOPLE, operation=operation))
    ((line, body),) = server.received
    assert line == f"{method} /v26.0/120330/users HTTP/1.1"
    form = {
        name: json.loads(value) for name, (value,) in parse_qs(body.decode(), strict_parsing=True).items()
    }
    assert form["payload"] == {
        "schema": ["EMAIL", "PHONE"],
        "data": [
            [meta_email("foo.bar@example.com"), meta_phone("18005550100")],
            ["", meta_phone("15550100123")],
            [meta_email("ann@example.com"), ""],
        ],
    }
    assert form["session"].pop("session_id").bit_length() <= 63
    assert form["session"] == {"batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 3}
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, "7")
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {2: "no_identifier"}


def test_nobody_identified_makes_no_request(raw_server: RawServerMaker) -> None:
    server = raw_server(received(0, 0))
    answer = Meta(connection_to("meta", server.url), SENDER).send(memberships([None, "..."], ["", "none"]))
    assert (answer.state, server.received) == (State.REFUSED, [])


def test_entries_that_meta_could_not_use_are_shown(raw_server: RawServerMaker) -> None:
    answer = send(raw_server(received(3, 1)))
    assert (answer.state, answer.reason) == (State.ACCEPTED, "1 of 3 entries invalid")


def test_all_entries_invalid_is_a_refusal(raw_server: RawServerMaker) -> None:
    assert send(raw_server(received(3, 3))).state is State.REFUSED


@pytest.mark.parametrize(
    ("error", "state", "is_down"),
    [
        ({"code": 190, "is_transient": False}, State.PLANNED, True),
        ({"code": 4}, State.PLANNED, False),
        ({"code": 17, "error_subcode": 2446079}, State.PLANNED, False),
        ({"code": 613}, State.PLANNED, False),
        ({"code": 80003}, State.PLANNED, False),
        ({"code": 80014}, State.PLANNED, False),
        ({"code": 2, "is_transient": True}, State.PLANNED, False),
        ({"code": 100, "error_subcode": 1713230}, State.REFUSED, False),
        ({"code": "190"}, State.IN_DOUBT, False),
        ("odd", State.IN_DOUBT, False),
    ],
)
def test_what_an_error_means(error: Any, state: State, is_down: bool, raw_server: RawServerMaker) -> None:  # noqa: FBT001
    answer = send(raw_server(http_answer(400, json.dumps({"error": error}).encode())))
    assert (answer.state, answer.is_down) == (state, is_down)


def test_a_transient_error_that_is_a_500_is_in_doubt(raw_server: RawServerMaker) -> None:
    body = json.dumps({"error": {"code": 2, "is_transient": True}}).encode()
    assert send(raw_server(http_answer(500, body))).state is State.IN_DOUBT


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ({"1": [{"estimated_time_to_regain_access": 3}, {"estimated_time_to_regain_access": 5}]}, 300.0),
        ({"1": [{"estimated_time_to_regain_access": 0}]}, None),
        ({"1": [{}]}, None),
        ([], None),
        ("odd", None),
    ],
)
def test_a_rate_limit_says_in_minutes_when_it_ends(
    usage: Any, seconds: float | None, raw_server: RawServerMaker
) -> None:
    header = f"X-Business-Use-Case-Usage: {json.dumps(usage)}"
    answer = send(raw_server(http_answer(400, b'{"error": {"code": 80003}}', header)))
    assert answer.retry_after == seconds


def test_a_full_request_is_within_the_limits(home: Home, sandbox: Sandbox) -> None:
    people = Meta.max_rows
    request = memberships([f"person{n}@example.com" for n in range(people)], ["+15550100123"] * people)
    assert connector(home, "meta").send(request).state is State.ACCEPTED
    assert len(sandbox.accepted()) == people


def test_add_and_remove_are_told_apart_at_the_destination(home: Home, sandbox: Sandbox) -> None:
    for operation in (Operation.ADD, Operation.REMOVE):
        connector(home, "meta").send(replace(PEOPLE, operation=operation))
    operations = [(line["audience"], line["operation"]) for line in sandbox.accepted()]
    assert operations == [("120330", "add")] * 3 + [("120330", "remove")] * 3


@pytest.mark.parametrize(
    "request_", [replace(PEOPLE, audience=None), replace(PEOPLE, operation=Operation.SEND)]
)
def test_a_request_that_is_no_membership_change_is_a_mistake(
    request_: Any, raw_server: RawServerMaker
) -> None:
    server = raw_server(received(3, 0))
    with pytest.raises(ConfigurationError, match="audience"):
        Meta(connection_to("meta", server.url), SENDER).send(request_)
    assert server.received == []


def test_rows_without_the_columns_of_the_contract_are_a_mistake(raw_server: RawServerMaker) -> None:
    rows = messages("sendgrid", ["{}"]).rows
    with pytest.raises(ConfigurationError, match="outbox contract") as caught:
        Meta(connection_to("meta", raw_server(received(1, 0)).url), SENDER).send(replace(PEOPLE, rows=rows))
    assert "example.com" not in str(caught.value)
