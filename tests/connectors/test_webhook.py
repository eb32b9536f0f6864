"""Signed webhooks: what is on the wire, who can verify it, and what of a receiver's answer counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from connector_cases import (
    SENDER,
    RawServer,
    connection_to,
    http_answer,
    memberships,
    messages,
    ordinary_request,
)

from activation.connectors import Replays
from activation.connectors.client import Auth, Client
from activation.connectors.registry import OVER_HTTP, REGISTRY, connector
from activation.connectors.webhook import Webhook, signed_headers, verify
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Capability, State, TooLargeError

NAMES = ("list_webhook", "onsite_webhook", "social_webhook", "support_webhook")
RawServerMaker = Callable[[Any], RawServer]
FIELDS = json.dumps({"first_name": 'Ann "the\nline" O\'Brien', "offer_text": "15 % off"})
# The test vector of the Standard Webhooks libraries.
VECTOR = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)


def acknowledged(*refused: dict[str, Any]) -> bytes:
    return http_answer(200, json.dumps({"delivery_id": "request-1", "refused": refused}).encode())


def webhook(name: str, url: str) -> Webhook:
    made = OVER_HTTP[name](connection_to(name, url), SENDER)
    assert isinstance(made, Webhook)
    return made


def test_the_signature_is_that_of_the_standards_test_vector() -> None:
    secret, delivery_id, timestamp, body, signature = VECTOR
    headers = signed_headers(delivery_id, timestamp, body, secret)
    assert headers["webhook-signature"] == signature
    assert verify(headers, body, secret, timestamp)


@pytest.mark.parametrize(
    ("changes", "is_ours"),
    [
        ({}, True),
        ({"webhook-id": "msg_other"}, False),
        ({"webhook-timestamp": "1614265331"}, False),
        ({"webhook-timestamp": "soon"}, False),
        ({"webhook-signature": ""}, False),
        ({"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="}, False),
        ({"webhook-signature": "v2,x " + VECTOR[4] + " v1,ÿ"}, True),
        ({"webhook-signature": VECTOR[4].replace("v1,", "v2,")}, False),
    ],
)
def test_what_was_changed_on_its_way_is_not_ours(changes: dict[str, str], *, is_ours: bool) -> None:
    secret, delivery_id, timestamp, body, _ = VECTOR
    headers = signed_headers(delivery_id, timestamp, body, secret) | changes
    assert (
        verify({name.upper(): value for name, value in headers.items()}, body, secret, timestamp) is is_ours
    )


def test_another_body_secret_or_hour_is_not_ours() -> None:
    secret, delivery_id, timestamp, body, _ = VECTOR
    headers = signed_headers(delivery_id, timestamp, body, secret)
    assert verify(headers, body, secret, timestamp + 300)
    assert not verify(headers, body, secret, timestamp + 301)
    assert not verify(headers, body, secret, timestamp - 301)
    assert not verify(headers, body + b" ", secret, timestamp)
    assert not verify(headers, body, "another secret", timestamp)
    assert not verify({}, body, secret, timestamp)


def test_a_secret_that_is_not_what_it_says_is_named_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="base64") as caught:
        signed_headers("id", 1, b"", "whsec_not/base64!")
    assert "not/base64" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_wire(name: str, raw_server: RawServerMaker) -> None:
    server = raw_server(acknowledged())
    request = ordinary_request(name)
    answer = webhook(name, server.url).send(request)
    assert (answer.state, answer.provider_id, dict(answer.rows)) == (State.ACCEPTED, "request-1", {})
    ((line, body),) = server.received
    assert line == "POST /deliveries HTTP/1.1"
    delivery = json.loads(body)
    assert delivery["delivery_id"] == request.request_id
    assert (delivery["campaign"], delivery["slot"], delivery["step"]) == (
        request.campaign,
        request.slot,
        request.step,
    )
    assert [row["customer_id"] for row in delivery["rows"]] == ["c0", "c1", "c2"]
    if REGISTRY[name].capability is Capability.SET:
        assert (delivery["type"], delivery["operation"], delivery["audience"]) == (
            "muster.members",
            "add",
            "120330",
        )
        assert delivery["rows"][0]["email"] == request.rows["email"][0].as_py()
    else:
        assert (delivery["type"], delivery["content_version"]) == ("muster.messages", "abc123abc123")
        assert delivery["rows"][0]["text"] == f"Here is 15 % off from {SENDER.postal_address}"


def test_hostile_values_stay_values(raw_server: RawServerMaker) -> None:
    server = raw_server(acknowledged())
    webhook("support_webhook", server.url).send(messages("support_webhook", [FIELDS] * 2))
    (row, _) = json.loads(server.received[0][1])["rows"]
    assert row["fields"] == json.loads(FIELDS)
    assert row["subject"] == 'Hi Ann "the line" O\'Brien'


def test_a_repetition_has_the_same_id_and_bytes_and_is_accepted_once(home: Home, sandbox: Sandbox) -> None:
    request, destination = ordinary_request("support_webhook"), connector(home, "support_webhook")
    assert isinstance(destination, Replays)
    sandbox.script({"path_prefix": "/support_webhook/", "fault": "accept_then_drop"})
    assert destination.send(request).state is State.IN_DOUBT
    assert destination.send(request).state is State.ACCEPTED
    assert len(sandbox.accepted()) == request.people
    other = replace(request, rows=request.rows.slice(0, 1))
    assert (destination.send(other).state, destination.send(other).reason) == (
        State.REFUSED,
        "webhook_id_reused",
    )


def test_the_bytes_do_not_depend_on_the_clock(
    raw_server: RawServerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = raw_server(acknowledged())
    destination = webhook("social_webhook", server.url)
    now = time.time()
    for later in (0, 10_000):
        monkeypatch.setattr(time, "time", lambda moment=now + later: moment)
        destination.send(ordinary_request("social_webhook"))
    assert server.received[0] == server.received[1]


def test_changes_of_a_set_are_never_replayed() -> None:
    for name in ("list_webhook", "onsite_webhook"):
        assert REGISTRY[name].capability is Capability.SET
        assert not hasattr(REGISTRY[name], "replay_seconds")


def test_refused_rows_are_those_that_were_sent(raw_server: RawServerMaker) -> None:
    server = raw_server(
        acknowledged({"row": 1, "reason": "unknown_customer"}, {"row": 0, "reason": "Ann A."})
    )
    request = memberships([None, "b@example.com", "c@example.com"], [None, None, None])
    answer = webhook("onsite_webhook", server.url).send(request)
    assert answer.state is State.ACCEPTED
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        0: "no_identifier",
        1: "webhook_refused",
        2: "webhook_unknown_customer",
    }


def test_one_bad_row_costs_one(home: Home, sandbox: Sandbox) -> None:
    people = REGISTRY["onsite_webhook"].max_rows
    emails: list[str | None] = [f"person{number}@example.com" for number in range(people)]
    emails[7] = "refused@example.com"
    answer = connector(home, "onsite_webhook").send(memberships(emails, [None] * people))
    assert (answer.state, list(answer.rows)) == (State.ACCEPTED, [7])
    assert len(sandbox.accepted()) == people - 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"delivery_id": "another"}',
        b'{"delivery_id": "request-1", "refused": 3}',
        b'{"delivery_id": "request-1", "refused": [{"row": 3}]}',
        b'{"delivery_id": "request-1", "refused": [{"row": true}]}',
        b'{"delivery_id": "request-1", "refused": ["0"]}',
        b"ok",
    ],
)
def test_an_answer_that_does_not_name_the_delivery_leaves_it_in_doubt(
    body: bytes, raw_server: RawServerMaker
) -> None:
    server = raw_server(http_answer(200, body))
    assert webhook("list_webhook", server.url).send(ordinary_request("list_webhook")).state is State.IN_DOUBT


@pytest.mark.parametrize(
    ("status", "body", "state", "is_down", "is_divisible"),
    [
        (400, b'{"error": "bad_shape"}', State.REFUSED, False, True),
        (413, b'{"error": "too_large"}', State.REFUSED, False, True),
        (422, b'{"error": "no"}', State.REFUSED, False, True),
        (402, b'{"error": "no"}', State.REFUSED, False, False),
        (409, b'{"error": "under_way"}', State.IN_DOUBT, False, False),
        (404, b"", State.PLANNED, True, False),
        (410, b"", State.PLANNED, True, False),
    ],
)
def test_refusals(
    status: int, body: bytes, state: State, *, is_down: bool, is_divisible: bool, raw_server: RawServerMaker
) -> None:
    server = raw_server(http_answer(status, body))
    answer = webhook("support_webhook", server.url).send(ordinary_request("support_webhook"))
    assert (answer.state, answer.is_down, answer.is_divisible) == (state, is_down, is_divisible)


def test_limits(home: Home, sandbox: Sandbox) -> None:
    destination = connector(home, "onsite_webhook")
    people = REGISTRY["onsite_webhook"].max_rows + 1
    with pytest.raises(ConfigurationError, match="at most 500"):
        destination.send(memberships(["a@example.com"] * people, [None] * people))
    wide = json.dumps({"first_name": "x" * 1_100_000, "offer_text": "y"})
    with pytest.raises(TooLargeError):
        connector(home, "support_webhook").send(messages("support_webhook", [wide] * 2))
    assert sandbox.requests == 0


def test_the_secret_signs_and_never_travels(home: Home, sandbox: Sandbox) -> None:
    del home
    connection = connection_to("onsite_webhook", f"{sandbox.url}/onsite_webhook")
    client = Client(connection, Auth.NONE)
    assert str(connection.token) not in f"{client!r} {client._headers}"
    answer = OVER_HTTP["onsite_webhook"](connection, SENDER).send(ordinary_request("onsite_webhook"))
    assert (answer.state, answer.reason, answer.is_down) == (State.PLANNED, "webhook_401", True)


def test_the_twin_takes_no_old_attempts(sandbox: Sandbox) -> None:
    body = json.dumps({"delivery_id": "d1", "rows": [{"customer_id": "c1"}]}).encode()
    url = f"{sandbox.url}/onsite_webhook/deliveries"
    for age, status in ((0, 200), (0, 200), (400, 401)):
        headers = signed_headers("d1", int(time.time()) - age, body, "sandbox-token")
        assert requests.post(url, data=body, headers=headers, timeout=5).status_code == status
    assert len(sandbox.accepted()) == 1
    assert requests.post(sandbox.url + "/onsite_webhook/x", timeout=5).status_code == 404
    assert requests.get(url, timeout=5).status_code == 405
