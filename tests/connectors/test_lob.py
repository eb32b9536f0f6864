"""Lob: one card in one request, once for each key."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from connector_cases import FIELDS, SENDER, RawServer, connection_to, http_answer, messages, ordinary_request

from activation.clock import clock_of, parse_moment
from activation.connectors.lob import Lob
from activation.connectors.registry import connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Request, State

RawServerMaker = Callable[[Any], RawServer]
PRINTED = http_answer(200, b'{"id": "psc_1", "object": "postcard"}')


def card(**fields: str | None) -> Request:
    return messages("lob", [json.dumps(FIELDS | fields)])


def send(server: RawServer, request: Request | None = None) -> Answer:
    return Lob(connection_to("lob", server.url), SENDER).send(request or card())


def test_a_card_goes_to_a_structured_address(raw_server: RawServerMaker) -> None:
    server = raw_server(PRINTED)
    answer = send(server, card(line2="Apt 4", country="us", first_name="Zoë\n<b>", offer_text="{{x}} & more"))
    assert answer == Answer(State.ACCEPTED, provider_id="psc_1")
    ((line, body),) = server.received
    assert line == "POST /v1/postcards HTTP/1.1"
    sent = json.loads(body)
    assert sent["to"] == {
        "name": "Zoë <b> Quillfeather",
        "address_line1": "47 Quillfeather Lane",
        "address_line2": "Apt 4",
        "address_city": "Springfield",
        "address_state": "IL",
        "address_zip": "01234",
        "address_country": "US",
    }
    assert (sent["size"], sent["use_type"]) == ("4x6", "marketing")
    assert sent["metadata"] == {"message_id": f"{0:032x}", "campaign": "hello"}
    assert "Here is &#123;&#123;x&#125;&#125; &amp; more from Example &amp; Sons" in sent["back"]
    assert "Example Shop" in sent["front"]
    assert "{{" not in sent["front"] + sent["back"]


def test_the_key_is_the_user_and_each_request_has_its_own_key(raw_server: RawServerMaker) -> None:
    server = raw_server(PRINTED)
    send(server)
    assert f"Authorization: Basic {base64.b64encode(b'secret-token:').decode()}" in server.heads[0]
    assert "Idempotency-Key: request-1" in server.heads[0]


def test_what_people_need_to_know_is_no_marketing(raw_server: RawServerMaker) -> None:
    server = raw_server(PRINTED)
    request = ordinary_request("lob")
    assert request.content is not None
    send(server, replace(request, content=replace(request.content, purpose="service")))
    assert json.loads(server.received[0][1])["use_type"] == "operational"


def test_a_name_may_come_whole(raw_server: RawServerMaker) -> None:
    server = raw_server(PRINTED)
    send(server, card(name="Dr. Zoë Quill"))
    assert json.loads(server.received[0][1])["to"]["name"] == "Dr. Zoë Quill"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"line1": None}, "missing_field_line1"),
        ({"city": " "}, "missing_field_city"),
        ({"state": None}, "missing_field_state"),
        ({"zip": None}, "missing_field_zip"),
        ({"first_name": None, "last_name": None}, "missing_field_name"),
        ({"offer_text": None}, "missing_field_offer_text"),
        ({"country": "CA"}, "lob_not_in_the_us"),
        ({"name": "x" * 41}, "fields_too_long"),
        ({"line1": "x" * 65}, "fields_too_long"),
        ({"offer_text": "x" * 801}, "fields_too_long"),
    ],
)
def test_who_cannot_be_mailed_to_is_refused_unsent(
    fields: dict[str, str | None], reason: str, raw_server: RawServerMaker
) -> None:
    server = raw_server(PRINTED)
    assert (send(server, card(**fields)), server.received) == (Answer(State.REFUSED, reason), [])


@pytest.mark.parametrize(
    ("postcode", "code"), [("1234", "invalid"), ("00001", "failed_deliverability_strictness")]
)
def test_an_address_that_lob_refuses_costs_one_card(
    postcode: str, code: str, home: Home, sandbox: Sandbox
) -> None:
    answer = connector(home, "lob").send(card(zip=postcode))
    assert (answer.state, answer.reason, answer.is_down) == (State.REFUSED, f"lob_{code}", False)
    assert sandbox.accepted() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "unauthorized"),
        (403, "billing_address_required"),
        (404, "unrecognized_endpoint"),
        (422, "mail_use_type_can_not_be_null"),
        (422, "invalid_template_html"),
    ],
)
def test_what_concerns_everybody_refuses_nobody(status: int, code: str, raw_server: RawServerMaker) -> None:
    body = json.dumps({"error": {"code": code, "status_code": status, "message": "no"}}).encode()
    assert send(raw_server(http_answer(status, body))) == Answer(State.PLANNED, f"lob_{code}", is_down=True)


def test_a_key_that_is_under_way_stays_in_doubt(raw_server: RawServerMaker) -> None:
    body = b'{"error": {"code": "conflict", "status_code": 409}}'
    assert send(raw_server(http_answer(409, body))) == Answer(State.IN_DOUBT, "lob_409")


def test_its_own_header_says_how_long_to_wait(raw_server: RawServerMaker) -> None:
    reset = int(time.time()) + 4
    answer = send(raw_server(http_answer(429, b"{}", f"X-Rate-Limit-Reset: {reset}")))
    assert (answer.state, answer.is_down) == (State.PLANNED, False)
    assert 1 <= (answer.retry_after or 0) <= 4
    answer = send(raw_server(http_answer(429, b"{}", "Retry-After: 2", f"X-Rate-Limit-Reset: {reset}")))
    assert answer.retry_after == 2


def test_the_twin_keeps_a_key_for_a_day(home: Home, sandbox: Sandbox) -> None:
    clock = clock_of(home)
    noon = parse_moment("2017-11-20T12:00")
    found = []
    for hours in (0, 23, 25):
        clock.step_to(noon + timedelta(hours=hours))
        found.append(connector(home, "lob").send(card()).provider_id)
    assert found[0] == found[1] != found[2]
    assert len(sandbox.accepted()) == 2


def test_more_than_one_person_is_a_mistake(raw_server: RawServerMaker) -> None:
    with pytest.raises(ConfigurationError, match="one person"):
        send(raw_server(b""), messages("lob", ["{}", "{}"]))
