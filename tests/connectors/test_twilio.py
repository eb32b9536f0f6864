"""Twilio: one message in one request, and what its codes mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, messages

from activation import settings
from activation.connectors.registry import connector
from activation.connectors.twilio import Twilio
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.settings import Sender
from activation.types import Answer, Request, State

QUEUED = http_answer(201, b'{"sid": "SM1", "status": "queued"}')
ORDINARY = json.dumps({"first_name": "Zoë & Co", "offer_text": "15 % off {{ first_name }}"})
RawServerMaker = Callable[[Any], RawServer]


def send(server: RawServer, sender: Sender = SENDER, request: Request | None = None) -> Answer:
    destination = Twilio(connection_to("twilio", server.url), sender)
    return destination.send(request or messages("twilio", [ORDINARY]))


def test_a_message_goes_out_as_a_form(raw_server: RawServerMaker) -> None:
    server = raw_server(QUEUED)
    answer = send(server)
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, "SM1")
    ((line, body),) = server.received
    assert line == "POST /2010-04-01/Accounts/AC0123/Messages.json HTTP/1.1"
    form = {name: value for name, (value,) in parse_qs(body.decode()).items()}
    assert form["Body"].startswith("Hi Zoë & Co, ")
    assert "15 % off {{ first_name }}" in form["Body"]
    assert form["Body"].endswith("Reply STOP to opt out.")
    assert form["To"] == "+15550100100"
    assert form["From"] == SENDER.phone
    assert form["StatusCallback"] == (
        f"{SENDER.callback_url}/twilio/status?message_id={0:032x}&campaign=vip_offer"
    )
    assert set(form) == {"To", "From", "Body", "StatusCallback"}


def test_a_messaging_service_replaces_the_number(raw_server: RawServerMaker) -> None:
    server = raw_server(QUEUED)
    service = f"MG{'0a' * 16}"
    send(server, replace(SENDER, phone=service, callback_url=None))
    form = parse_qs(server.received[0][1].decode())
    assert form["MessagingServiceSid"] == [service]
    assert set(form) == {"To", "MessagingServiceSid", "Body"}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+15005550001", 21211),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
        ("nobody", 21211),
    ],
)
def test_a_number_that_cannot_be_texted_is_refused(
    number: str, code: int, home: Home, sandbox: Sandbox
) -> None:
    answer = connector(home, "twilio").send(messages("twilio", [ORDINARY], [number]))
    assert (answer.state, answer.reason, answer.is_down) == (State.REFUSED, f"twilio_{code}", False)
    assert sandbox.accepted() == []


def test_a_messaging_service_chooses_the_number_itself(home: Home, sandbox: Sandbox) -> None:
    service = replace(SENDER, phone=f"MG{'0a' * 16}")
    destination = Twilio(settings.connection(home, "TWILIO"), service)
    answer = destination.send(messages("twilio", [ORDINARY]))
    assert answer.state is State.ACCEPTED
    assert [line["message_id"] for line in sandbox.accepted()] == [f"{0:032x}"]


def test_half_a_messaging_service_is_a_number_that_is_none(raw_server: RawServerMaker) -> None:
    server = raw_server(QUEUED)
    send(server, replace(SENDER, phone="MG123"))
    assert parse_qs(server.received[0][1].decode())["From"] == ["MG123"]


@pytest.mark.parametrize("code", [20003, 20404, 21212, 21606, 21701, 21703, 21704, 21705])
def test_what_concerns_everybody_refuses_nobody(code: int, raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(400, json.dumps({"code": code}).encode()))
    answer = send(server)
    assert (answer.state, answer.is_down) == (State.PLANNED, True)


def test_a_rate_limit_by_code_gives_the_message_back(raw_server: RawServerMaker) -> None:
    answer = send(raw_server(http_answer(400, b'{"code": 20429}', "Retry-After: 2")))
    assert (answer.state, answer.retry_after, answer.is_down) == (State.PLANNED, 2.0, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (None, "missing_field_first_name"),
        ("{broken", "missing_field_first_name"),
        ("[]", "missing_field_first_name"),
        ('{"first_name": "Ann", "offer_text": null}', "missing_field_offer_text"),
        (json.dumps({"first_name": "x" * 1600, "offer_text": "y"}), "fields_too_long"),
    ],
)
def test_a_person_whose_fields_do_not_fit_is_refused_unsent(
    fields: str | None, reason: str, raw_server: RawServerMaker
) -> None:
    server = raw_server(QUEUED)
    answer = send(server, request=messages("twilio", [fields]))
    assert (answer.state, answer.reason, server.received) == (State.REFUSED, reason, [])


def test_more_than_one_person_is_a_mistake(raw_server: RawServerMaker) -> None:
    with pytest.raises(ConfigurationError, match="one person"):
        send(raw_server(QUEUED), request=messages("twilio", [ORDINARY, ORDINARY]))
