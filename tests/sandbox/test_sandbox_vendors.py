"""The vendors' twins, asked directly: their limits, codes and error shapes, and scripted faults."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from activation.connectors.client import SANDBOX_HEADER
from activation.errors import ConfigurationError
from activation.home import World, open_home
from activation.sandbox import Sandbox

BEARER = {"Authorization": "Bearer token"}
MESSAGES = "/twilio/2010-04-01/Accounts/AC0/Messages.json"
USERS = "/meta/v26.0/120330/users"
MAIL: dict[str, Any] = {
    "personalizations": [
        {"to": [{"email": "ann@example.com"}], "custom_args": {"campaign": "hello", "message_id": "m1"}}
    ],
    "from": {"email": "hello@shop.example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hello"}],
}
SMS = {
    "To": "+15550100123",
    "From": "+15550100000",
    "Body": "Hello",
    "StatusCallback": "http://127.0.0.1/twilio/status?message_id=m1&campaign=hello",
}
HASH = "0" * 64


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(open_home(tmp_path / "home", World.REHEARSAL)) as running:
        yield running


def mail(sandbox: Sandbox, body: Any, headers: dict[str, str] | None = None) -> requests.Response:
    url = f"{sandbox.url}/sendgrid/v3/mail/send"
    return requests.post(url, json=body, headers=BEARER if headers is None else headers, timeout=5)


def text(sandbox: Sandbox, **changes: str) -> requests.Response:
    form = {name: value for name, value in (SMS | changes).items() if value}
    return requests.post(sandbox.url + MESSAGES, data=form, auth=("AC0", "password"), timeout=5)


def users(
    sandbox: Sandbox, rows: list[Any], method: str = "POST", headers: dict[str, str] | None = None
) -> requests.Response:
    form = {
        "payload": json.dumps({"schema": ["EMAIL", "PHONE"], "data": rows}),
        "session": json.dumps({"session_id": 7, "batch_seq": 1, "last_batch_flag": True}),
    }
    return requests.request(
        method, sandbox.url + USERS, data=form, headers=BEARER if headers is None else headers, timeout=10
    )


def test_sendgrid_accepts(sandbox: Sandbox) -> None:
    reply = mail(sandbox, MAIL)
    assert (reply.status_code, reply.content) == (202, b"")
    assert reply.headers["X-Message-Id"]
    (line,) = sandbox.accepted()
    assert line.pop("at")
    assert line == {
        "destination": "sendgrid",
        "campaign": "hello",
        "message_id": "m1",
        "address": "ann@example.com",
    }


def people(count: int, email: str = "person{}@example.com") -> dict[str, Any]:
    return {"personalizations": [{"to": [{"email": email.format(number)}]} for number in range(count)]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        (people(1001), "personalizations"),
        (people(1, "nobody"), "personalizations.0.to.0.email"),
        (people(2, "same@example.com"), "personalizations.1.to"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [people(1)["personalizations"][0] | {"substitutions": {"a": "b" * 10_000}}]},
         "personalizations.0.substitutions"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"categories": ["a", "a"]}, "categories"),
    ],
)  # fmt: skip
def test_sendgrid_refuses_whole_requests(changes: dict[str, Any], field: str, sandbox: Sandbox) -> None:
    reply = mail(sandbox, MAIL | changes)
    assert reply.status_code == 400
    assert [error["field"] for error in reply.json()["errors"]] == [field]
    assert sandbox.accepted() == []


def test_sendgrid_takes_a_thousand(sandbox: Sandbox) -> None:
    assert mail(sandbox, MAIL | people(1000)).status_code == 202
    assert len(sandbox.accepted()) == 1000


def test_sendgrid_wants_a_token_and_json(sandbox: Sandbox) -> None:
    reply = mail(sandbox, MAIL, {})
    assert (reply.status_code, reply.json()["errors"][0]["message"]) == (401, "authorization required")
    assert mail(sandbox, ["odd"]).status_code == 400
    assert requests.get(f"{sandbox.url}/sendgrid/v3/mail/send", timeout=5).status_code == 405


def test_twilio_accepts(sandbox: Sandbox) -> None:
    reply = text(sandbox)
    assert (reply.status_code, reply.json()["status"], reply.json()["to"]) == (201, "queued", SMS["To"])
    assert reply.json()["sid"].startswith("SM")
    (line,) = sandbox.accepted()
    assert line.pop("at")
    assert line.pop("provider_id") == reply.json()["sid"]
    assert line == {"destination": "twilio", "campaign": "hello", "message_id": "m1", "address": SMS["To"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "5550100"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550004"}, 21610),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_twilio_refuses_with_its_codes(changes: dict[str, str], code: int, sandbox: Sandbox) -> None:
    reply = text(sandbox, **changes)
    assert (reply.status_code, reply.json()["code"], reply.json()["status"]) == (400, code, 400)
    assert sandbox.accepted() == []


def test_twilio_wants_a_password(sandbox: Sandbox) -> None:
    reply = requests.post(sandbox.url + MESSAGES, data=SMS, timeout=5)
    assert (reply.status_code, reply.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(("method", "operation"), [("POST", "add"), ("DELETE", "remove")])
def test_meta_accepts_the_rows_that_hold_a_hash(method: str, operation: str, sandbox: Sandbox) -> None:
    rows = [
        [HASH, ""],
        ["", HASH],
        ["", ""],
        ["ann@example.com", ""],
        [HASH],
        [HASH.upper().replace("0", "A"), ""],
    ]
    reply = users(sandbox, rows, method)
    assert reply.status_code == 200
    assert reply.json() == {
        "audience_id": "120330",
        "session_id": "7",
        "num_received": 6,
        "num_invalid_entries": 4,
        "invalid_entry_samples": {},
    }
    lines = [{name: value for name, value in line.items() if name != "at"} for line in sandbox.accepted()]
    common = {"destination": "meta", "audience": "120330", "operation": operation}
    assert lines == [
        common | {"identifiers": {"EMAIL": HASH, "PHONE": ""}},
        common | {"identifiers": {"EMAIL": "", "PHONE": HASH}},
    ]


def test_meta_refuses_with_its_shapes(sandbox: Sandbox) -> None:
    assert users(sandbox, [[HASH, ""]], headers={}).json()["error"]["code"] == 190
    assert users(sandbox, [[HASH, ""]] * 10_001).json()["error"]["code"] == 100
    assert users(sandbox, []).status_code == 400
    reply = requests.post(sandbox.url + USERS, data={"payload": "odd"}, headers=BEARER, timeout=5)
    assert reply.status_code == 400
    assert sandbox.accepted() == []


def test_every_answer_says_that_it_is_the_sandboxs(sandbox: Sandbox) -> None:
    replies = [
        mail(sandbox, MAIL),
        text(sandbox, To="nobody"),
        users(sandbox, [[HASH, ""]]),
        requests.get(f"{sandbox.url}/nothing", timeout=5),
        requests.post(f"{sandbox.url}/callbacks/x", timeout=5),
        requests.post(f"{sandbox.url}/twilio/status?message_id=1", timeout=5),
    ]
    assert [reply.headers.get(SANDBOX_HEADER) for reply in replies] == ["1"] * 6
    assert [reply.status_code for reply in replies] == [202, 400, 200, 404, 204, 204]


def test_requests_to_vendors_are_counted_and_others_are_not(sandbox: Sandbox) -> None:
    mail(sandbox, MAIL)
    text(sandbox, To="nobody")
    requests.post(f"{sandbox.url}/callbacks/x", timeout=5)
    reply = requests.get(f"{sandbox.url}/_muster/requests", timeout=5)
    assert reply.json() == {"requests": 2}


def script(sandbox: Sandbox, faults: Any) -> int:
    return requests.post(f"{sandbox.url}/_muster/faults", json=faults, timeout=5).status_code


def test_a_fault_meets_the_requests_it_was_scripted_for(sandbox: Sandbox) -> None:
    fault = {"path_prefix": "/sendgrid/", "fault": "status:503", "count": 2, "after": 1}
    assert script(sandbox, [fault]) == 204
    assert text(sandbox).status_code == 201
    statuses = [mail(sandbox, MAIL).status_code for _ in range(4)]
    assert statuses == [202, 503, 503, 202]


def test_what_was_accepted_is_written_before_the_answer_fails(sandbox: Sandbox) -> None:
    script(
        sandbox, [{"path_prefix": "/", "fault": fault} for fault in ("accept_then_drop", "accept_then_500")]
    )
    with pytest.raises(requests.ConnectionError):
        mail(sandbox, MAIL)
    assert len(sandbox.accepted()) == 1
    assert text(sandbox).status_code == 500
    assert len(sandbox.accepted()) == 2


@pytest.mark.parametrize("faults", [[{"fault": "drop"}], [{"path_prefix": "/", "fault": "flood"}], {}, [7], 7,
                                    [{"path_prefix": "/", "fault": "status:odd"}]])  # fmt: skip
def test_a_fault_that_is_not_understood_is_refused(faults: Any, sandbox: Sandbox) -> None:
    if faults == {}:
        assert script(sandbox, faults) == 204
        return
    assert script(sandbox, faults) == 400
    with pytest.raises(ConfigurationError, match="path_prefix"):
        sandbox._server.faults.script(faults)
    assert mail(sandbox, MAIL).status_code == 202


def test_a_body_that_lies_about_its_length_is_refused(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rpartition(":")[2]), timeout=5)
    connection.putrequest("POST", USERS)
    connection.putheader("Content-Length", "999999999999")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
