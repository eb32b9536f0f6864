"""SendGrid: what goes over the wire, and who is refused when one of many is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, messages

from activation.connectors.registry import connector
from activation.connectors.sendgrid import SendGrid
from activation.content import render
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Request, State

ACCEPTED = http_answer(202, b"", "X-Message-Id: abc")
ORDINARY = {"first_name": "Ann", "offer_text": "15 % off"}
HOSTILE = {
    "first_name": "Zoë <script>\"'&amp;\r\nBcc: everybody \u2028",
    "offer_text": "{{ postal_address }} -.h.first_name- $& \\1 %s {0}",
}
RawServerMaker = Callable[[Any], RawServer]


def send(request: Request, server: RawServer) -> tuple[Answer, Any]:
    """Send, and read back the one mail that the server got, if any."""
    answer = SendGrid(connection_to("sendgrid", server.url), SENDER).send(request)
    bodies = [json.loads(body) for _, body in server.received]
    return answer, bodies[0] if bodies else None


def as_received(mail: dict[str, Any], person: int) -> dict[str, str]:
    """Make of a mail what SendGrid makes of it for one person: one tag after the other, in values too."""
    parts = {"subject": mail["subject"], **{part["type"]: part["value"] for part in mail["content"]}}
    for tag, value in mail["personalizations"][person]["substitutions"].items():
        parts = {name: text.replace(tag, value) for name, text in parts.items()}
    return parts


@pytest.mark.parametrize("fields", [ORDINARY, HOSTILE])
def test_everybody_reads_the_template_rendered_for_them(
    fields: dict[str, str], raw_server: RawServerMaker
) -> None:
    request = messages("sendgrid", [json.dumps(ORDINARY), json.dumps(fields)])
    assert request.content is not None
    _, mail = send(request, raw_server(ACCEPTED))
    values = {
        **fields,
        **SENDER.fixed,
        "unsubscribe_url": request.rows["unsubscribe_url"][1].as_py(),
    }
    assert as_received(mail, 1) == {
        "subject": render(request.content, "subject", values),
        "text/plain": render(request.content, "text", values),
        "text/html": render(request.content, "html", values),
    }


def test_a_value_that_looks_like_a_tag_stays_a_value(raw_server: RawServerMaker) -> None:
    _, mail = send(messages("sendgrid", [json.dumps(ORDINARY)]), raw_server(ACCEPTED))
    seen_tag = next(iter(mail["personalizations"][0]["substitutions"]))
    hostile = {"first_name": f"{seen_tag} tag", "offer_text": "x"}
    request = replace(messages("sendgrid", [json.dumps(hostile)]), request_id="request-2")
    _, mail = send(request, raw_server(ACCEPTED))
    assert f"Hi {seen_tag} tag," in as_received(mail, 0)["text/plain"]


def test_a_mail_carries_what_the_contract_asks(raw_server: RawServerMaker) -> None:
    server = raw_server(ACCEPTED)
    answer, mail = send(messages("sendgrid", [json.dumps(ORDINARY)] * 2), server)
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, "abc")
    assert server.received[0][0] == "POST /v3/mail/send HTTP/1.1"
    assert set(mail) == {"personalizations", "from", "subject", "content", "categories"}
    assert mail["from"] == {"email": SENDER.email, "name": SENDER.name}
    assert [part["type"] for part in mail["content"]] == ["text/plain", "text/html"]
    assert mail["categories"] == ["weekly_reactivation"]
    second = mail["personalizations"][1]
    assert second["to"] == [{"email": "person1@example.com"}]
    assert second["custom_args"] == {"message_id": f"{1:032x}", "campaign": "weekly_reactivation"}
    assert second["headers"] == {
        "List-Unsubscribe": "<https://shop.example.com/unsubscribe?token=1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (None, "missing_field_first_name"),
        ("{broken", "missing_field_first_name"),
        ("[]", "missing_field_first_name"),
        ('{"first_name": "Ann"}', "missing_field_offer_text"),
        ('{"first_name": null, "offer_text": "x"}', "missing_field_first_name"),
        (json.dumps({"first_name": "é" * 3000, "offer_text": "x"}), "fields_too_long"),
    ],
)
def test_a_person_whose_fields_do_not_fit_costs_nobody_else(
    fields: str | None, reason: str, raw_server: RawServerMaker
) -> None:
    request = messages("sendgrid", [json.dumps(ORDINARY), fields, json.dumps(ORDINARY)])
    answer, mail = send(request, raw_server(ACCEPTED))
    assert answer.state is State.ACCEPTED
    assert {row: (verdict.state, verdict.reason) for row, verdict in answer.rows.items()} == {
        1: (State.REFUSED, reason)
    }
    assert [each["to"][0]["email"] for each in mail["personalizations"]] == [
        "person0@example.com",
        "person2@example.com",
    ]


def test_nobody_to_send_to_makes_no_request(raw_server: RawServerMaker) -> None:
    server = raw_server(ACCEPTED)
    answer, _ = send(messages("sendgrid", [None, None]), server)
    assert (answer.state, server.received) == (State.REFUSED, [])


def test_one_bad_address_is_refused_and_the_others_may_go_again(home: Home, sandbox: Sandbox) -> None:
    addresses = ["person0@example.com", "nobody", "person2@example.com", "person3@example.com"]
    fields = [json.dumps(ORDINARY), json.dumps(ORDINARY), None, json.dumps(ORDINARY)]
    answer = connector(home, "sendgrid").send(messages("sendgrid", fields, addresses))
    assert answer.state is State.PLANNED
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        1: "sendgrid_400_to",
        2: "missing_field_first_name",
    }
    assert sandbox.accepted() == []


def test_the_row_of_an_error_is_found_behind_rows_that_were_left_out(home: Home, sandbox: Sandbox) -> None:
    addresses = ["person0@example.com", "person1@example.com", "nobody"]
    fields = [None, json.dumps(ORDINARY), json.dumps(ORDINARY)]
    answer = connector(home, "sendgrid").send(messages("sendgrid", fields, addresses))
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        0: "missing_field_first_name",
        2: "sendgrid_400_to",
    }
    assert sandbox.accepted() == []


def test_the_same_address_twice_is_refused_once(home: Home, sandbox: Sandbox) -> None:
    addresses = ["person0@example.com", "Person0@example.com"]
    answer = connector(home, "sendgrid").send(messages("sendgrid", [json.dumps(ORDINARY)] * 2, addresses))
    assert (answer.state, list(answer.rows)) == (State.PLANNED, [1])
    assert sandbox.accepted() == []


@pytest.mark.parametrize(
    ("status", "errors", "state"),
    [
        (400, [{"message": "bad", "field": "from.email"}], State.REFUSED),
        (400, [{"message": "bad", "field": "personalizations.99.to"}], State.REFUSED),
        (400, [{"message": "bad", "field": None}, "odd"], State.REFUSED),
        (400, [], State.REFUSED),
        (413, [{"message": "content too large"}], State.REFUSED),
        (404, [{"message": "not found"}], State.PLANNED),
    ],
)
def test_refusals_that_concern_everybody(
    status: int, errors: list[Any], state: State, raw_server: RawServerMaker
) -> None:
    server = raw_server(http_answer(status, json.dumps({"errors": errors}).encode()))
    answer, _ = send(messages("sendgrid", [json.dumps(ORDINARY)] * 2), server)
    assert (answer.state, dict(answer.rows)) == (state, {})


@pytest.mark.parametrize("answer", [http_answer(202, b""), http_answer(200, b"{}", "X-Message-Id: abc")])
def test_a_success_that_is_not_sendgrids_is_in_doubt(answer: bytes, raw_server: RawServerMaker) -> None:
    assert send(messages("sendgrid", [json.dumps(ORDINARY)]), raw_server(answer))[0].state is State.IN_DOUBT


def test_a_full_request_is_within_the_limits(home: Home, sandbox: Sandbox) -> None:
    people = SendGrid.max_rows
    answer = connector(home, "sendgrid").send(messages("sendgrid", [json.dumps(ORDINARY)] * people))
    assert answer.state is State.ACCEPTED
    assert len({line["message_id"] for line in sandbox.accepted()}) == people


def test_a_request_without_content_is_a_mistake(home: Home, sandbox: Sandbox) -> None:
    request = replace(messages("sendgrid", [json.dumps(ORDINARY)]), content=None)
    with pytest.raises(ConfigurationError, match="template"):
        connector(home, "sendgrid").send(request)
    assert sandbox.requests == 0
