"""Expo: many notifications in one request, a ticket for each, and receipts later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, messages

from activation.connectors.expo import Expo, Receipt
from activation.connectors.registry import connector
from activation.errors import ConfigurationError, DestinationDownError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Request, RowVerdict, State

RawServerMaker = Callable[[Any], RawServer]
FIELDS = json.dumps({"first_name": "Zoë\n& 'Co'", "offer_text": "15 % off {{ first_name }}"})


def phones(*names: str, fields: str | None = FIELDS) -> Request:
    return messages("expo", [fields] * len(names), [f"ExponentPushToken[{name}]" for name in names])


def sent_to(server: RawServer, request: Request) -> Answer:
    return Expo(connection_to("expo", server.url), SENDER).send(request)


def expo(home: Home) -> Expo:
    made = connector(home, "expo")
    assert isinstance(made, Expo)
    return made


def ok(*tickets: str) -> bytes:
    return json.dumps({"data": [{"status": "ok", "id": ticket} for ticket in tickets]}).encode()


def test_a_notification_carries_its_texts_and_our_ids(raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(200, ok("t1", "t2")))
    answer = sent_to(server, phones("a", "b"))
    assert answer.state is State.ACCEPTED
    assert dict(answer.rows) == {
        0: RowVerdict(State.ACCEPTED, "", "t1"),
        1: RowVerdict(State.ACCEPTED, "", "t2"),
    }
    ((line, body),) = server.received
    assert line == "POST /--/api/v2/push/send HTTP/1.1"
    first, second = json.loads(body)
    assert first == {
        "to": "ExponentPushToken[a]",
        "title": "Hi Zoë & 'Co'",
        "body": f"Here is 15 % off {{{{ first_name }}}} from {SENDER.postal_address}",
        "data": {"message_id": f"{0:032x}", "campaign": "hello"},
    }
    assert second["to"] == "ExponentPushToken[b]"


def test_each_ticket_is_read_at_its_own_place(home: Home, sandbox: Sandbox) -> None:
    request = phones("a", "unregistered-b", "too-fast-c", "too-big-d", "e")
    request = replace(request, rows=request.rows.slice(0, 5))
    answer = expo(home).send(request)
    assert (answer.state, answer.is_down) == (State.ACCEPTED, False)
    assert {row: (verdict.state, verdict.reason) for row, verdict in answer.rows.items()} == {
        0: (State.ACCEPTED, ""),
        1: (State.REFUSED, "expo_DeviceNotRegistered"),
        2: (State.PLANNED, "expo_MessageRateExceeded"),
        3: (State.REFUSED, "expo_MessageTooBig"),
        4: (State.ACCEPTED, ""),
    }
    assert [line["address"] for line in sandbox.accepted()] == [
        "ExponentPushToken[a]",
        "ExponentPushToken[e]",
    ]


@pytest.mark.usefixtures("sandbox")
def test_credentials_that_only_a_person_can_mend_stop_the_rest(home: Home) -> None:
    answer = expo(home).send(phones("a", "no-credentials-b"))
    assert answer.is_down
    assert answer.rows[1] == RowVerdict(State.PLANNED, "expo_InvalidCredentials")
    assert answer.rows[0].state is State.ACCEPTED


@pytest.mark.usefixtures("sandbox")
def test_apps_that_may_not_share_a_request_are_parted(home: Home) -> None:
    answer = expo(home).send(phones("a", "other-project-b"))
    assert (answer.state, answer.reason) == (State.REFUSED, "expo_PUSH_TOO_MANY_EXPERIENCE_IDS")
    assert answer.is_divisible


def test_a_refusal_of_one_message_is_not_divided(raw_server: RawServerMaker) -> None:
    body = b'{"errors": [{"code": "VALIDATION_ERROR", "message": "ExponentPushToken[a] is wrong"}]}'
    answer = sent_to(raw_server(http_answer(400, body)), phones("a"))
    assert answer == Answer(State.REFUSED, "expo_VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("token", "fields", "reason"),
    [
        ("fcm-token", FIELDS, "expo_not_a_token"),
        ("ExponentPushToken[]", FIELDS, "expo_not_a_token"),
        ("ExponentPushToken[a]", None, "missing_field_first_name"),
        ("ExponentPushToken[a]", '{"first_name": "Ann"}', "missing_field_offer_text"),
        (
            "ExponentPushToken[a]",
            json.dumps({"first_name": "x" * 4096, "offer_text": "y"}),
            "fields_too_long",
        ),
    ],
)
def test_who_cannot_be_sent_to_is_refused_alone(
    token: str, fields: str | None, reason: str, home: Home, sandbox: Sandbox
) -> None:
    old = "00000000-aaaa-1111-bbbb-222222222222"
    answer = expo(home).send(messages("expo", [fields, FIELDS], [token, old]))
    assert answer.rows[0] == RowVerdict(State.REFUSED, reason)
    assert answer.rows[1].state is State.ACCEPTED
    assert [line["address"] for line in sandbox.accepted()] == [old]
    assert expo(home).send(messages("expo", [fields], [token])).state is State.REFUSED
    assert sandbox.requests == 1


@pytest.mark.parametrize(
    "body",
    [
        ok("t1"),
        ok("t1", "t2", "t3"),
        b'{"data": [{"status": "ok"}, {"status": "ok", "id": "t2"}]}',
        b'{"data": [{"status": "ok", "id": "t1"}, {"status": "later"}]}',
        b'{"data": [null, null]}',
        b'{"errors": [{"code": "X"}]}',
    ],
)
def test_tickets_that_do_not_fit_leave_everybody_in_doubt(body: bytes, raw_server: RawServerMaker) -> None:
    answer = sent_to(raw_server(http_answer(200, body)), phones("a", "b"))
    assert answer == Answer(State.IN_DOUBT, "http_200_unreadable")


def test_no_text_of_an_error_is_repeated(raw_server: RawServerMaker) -> None:
    tickets = [
        {
            "status": "error",
            "message": "to ExponentPushToken[a]",
            "details": {"error": "ExponentPushToken[a]"},
        },
        {"status": "error", "details": "none"},
    ]
    answer = sent_to(raw_server(http_answer(200, json.dumps({"data": tickets}).encode())), phones("a", "b"))
    assert {verdict.reason for verdict in answer.rows.values()} == {"expo_error"}


def test_receipts_say_what_became_of_tickets(home: Home, sandbox: Sandbox) -> None:
    destination = expo(home)
    answer = destination.send(phones("a", "gone-b"))
    first, second = (str(answer.rows[row].provider_id) for row in (0, 1))
    unknown = [f"unknown-{number}" for number in range(350)]
    assert destination.receipts([first, *unknown, second]) == [
        Receipt(first, is_delivered=True),
        Receipt(second, is_delivered=False, reason="expo_DeviceNotRegistered"),
    ]
    assert sandbox.requests == 1 + 2
    assert destination.receipts([]) == []


@pytest.mark.parametrize("fault", ["status:500", "status:401", "retry_after:9", "drop", "garbage"])
def test_receipts_that_cannot_be_asked_for_say_so(fault: str, home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": "/expo/", "fault": fault})
    with pytest.raises(DestinationDownError, match="ask later"):
        expo(home).receipts(["t1"])


def test_a_message_without_a_template_is_a_mistake(raw_server: RawServerMaker) -> None:
    with pytest.raises(ConfigurationError, match="template"):
        sent_to(raw_server(b""), replace(phones("a"), content=None))
