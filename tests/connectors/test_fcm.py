"""FCM: one notification in one request, and what its codes mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, messages, ordinary_request

from activation.connectors.fcm import FCM_ERROR, Fcm
from activation.connectors.registry import connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.settings import Connection
from activation.types import Answer, Request, State

RawServerMaker = Callable[[Any], RawServer]
FIELDS = json.dumps({"first_name": "Zoë\n& Co", "offer_text": "15 % off"})


def send(server: RawServer, request: Request | None = None) -> Answer:
    return Fcm(connection_to("fcm", server.url), SENDER).send(request or messages("fcm", [FIELDS]))


def refusal(status: int, code: str | None, name: str = "SOMETHING") -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}]
    details += [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    return http_answer(status, json.dumps({"error": {"status": name, "details": details}}).encode())


def test_a_notification_carries_its_texts_and_our_ids(raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(200, b'{"name": "projects/AC0123/messages/0:17-a"}'))
    answer = send(server)
    assert answer == Answer(State.ACCEPTED, provider_id="0:17-a")
    ((line, body),) = server.received
    assert line == "POST /v1/projects/AC0123/messages:send HTTP/1.1"
    assert json.loads(body) == {
        "message": {
            "token": "phone-0100100",
            "notification": {
                "title": "Hi Zoë & Co",
                "body": f"Here is 15 % off from {SENDER.postal_address}",
            },
            "data": {"message_id": f"{0:032x}", "campaign": "hello"},
        }
    }
    assert "Authorization: Bearer secret-token" in server.heads[0]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("unregistered", "UNREGISTERED"),
        ("invalid", "INVALID_ARGUMENT"),
        ("other-sender", "SENDER_ID_MISMATCH"),
    ],
)
def test_a_phone_that_cannot_be_reached_is_refused(
    token: str, code: str, home: Home, sandbox: Sandbox
) -> None:
    answer = connector(home, "fcm").send(messages("fcm", [FIELDS], [token]))
    assert (answer.state, answer.reason, answer.is_down) == (State.REFUSED, f"fcm_{code}", False)
    assert sandbox.accepted() == []


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, "THIRD_PARTY_AUTH_ERROR", "fcm_THIRD_PARTY_AUTH_ERROR"),
        (401, None, "fcm_UNAUTHENTICATED"),
        (403, None, "fcm_UNAUTHENTICATED"),
        (404, None, "fcm_UNAUTHENTICATED"),
    ],
)
def test_what_concerns_the_project_refuses_nobody(
    status: int, code: str | None, reason: str, raw_server: RawServerMaker
) -> None:
    answer = send(raw_server(refusal(status, code, "UNAUTHENTICATED")))
    assert answer == Answer(State.PLANNED, reason, is_down=True)


def test_a_value_that_google_cannot_take_is_refused_by_its_status(raw_server: RawServerMaker) -> None:
    answer = send(raw_server(refusal(400, None, "INVALID_ARGUMENT")))
    assert answer == Answer(State.REFUSED, "fcm_INVALID_ARGUMENT")


def test_a_quota_that_is_spent_gives_the_message_back(home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": "/fcm/", "fault": "status:429"})
    answer = connector(home, "fcm").send(messages("fcm", [FIELDS]))
    assert (answer.state, answer.is_down) == (State.PLANNED, False)


@pytest.mark.parametrize(
    ("token", "fields", "reason"),
    [
        ("ExponentPushToken[a]", FIELDS, "fcm_not_a_token"),
        ("phone", "{broken", "missing_field_first_name"),
        ("phone", '{"first_name": "Ann", "offer_text": null}', "missing_field_offer_text"),
        ("phone", json.dumps({"first_name": "x" * 4096, "offer_text": "y"}), "fields_too_long"),
    ],
)
def test_who_cannot_be_sent_to_is_refused_unsent(
    token: str, fields: str, reason: str, raw_server: RawServerMaker
) -> None:
    server = raw_server(b"")
    answer = send(server, messages("fcm", [fields], [token]))
    assert (answer, server.received) == (Answer(State.REFUSED, reason), [])


def test_the_project_comes_from_the_account_or_the_key() -> None:
    with pytest.raises(ConfigurationError, match="MUSTER_FCM_ACCOUNT"):
        Fcm(Connection("FCM", "http://127.0.0.1:1", "token"), SENDER)
    named = Fcm(Connection("FCM", "http://127.0.0.1:1", "token", username="a/b"), SENDER)
    assert named._path == "/v1/projects/a%2Fb/messages:send"
    keyed = Fcm(Connection("FCM", "http://127.0.0.1:1", "token", key='{"project_id": "shop"}'), SENDER)
    assert keyed._path == "/v1/projects/shop/messages:send"


def test_more_than_one_person_is_a_mistake(raw_server: RawServerMaker) -> None:
    for request in (messages("fcm", [FIELDS, FIELDS]), replace(ordinary_request("fcm"), content=None)):
        with pytest.raises(ConfigurationError, match="one person"):
            send(raw_server(b""), request)
