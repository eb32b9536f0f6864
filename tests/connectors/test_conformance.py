"""What every connector must do, whatever its vendor: the suite runs over the registry.

A destination over HTTP is asked what its twin in the sandbox and hostile servers ask; what every destination that is a
directory must do is in ``test_file_conformance.py``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from connector_cases import SECRETS, SENDER, RawServer, connection_to, drip, http_answer, ordinary_request

from activation.connectors import Connector
from activation.connectors.client import Auth, Client
from activation.connectors.registry import AS_FILES, OVER_HTTP, REGISTRY, connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.settings import Connection
from activation.types import Capability, Operation, State

every = pytest.mark.parametrize("name", sorted(REGISTRY))
over_http = pytest.mark.parametrize("name", sorted(OVER_HTTP))
RawServerMaker = Callable[[Any], RawServer]
DEADLINE = 0.4


def impatient(name: str, base_url: str) -> Connector:
    """Make a connector whose requests take at most ``DEADLINE`` seconds."""
    connection = connection_to(name, base_url)
    auth = Auth.BASIC if name == "twilio" else Auth.BEARER
    return OVER_HTTP[name](connection, SENDER, Client(connection, auth, deadline=DEADLINE))


@every
def test_declares_what_delivery_asks(name: str) -> None:
    kind = REGISTRY[name]
    assert kind.name == name
    assert kind.channel == kind.channel.lower()
    assert kind.operations in ({Operation.SEND}, {Operation.ADD, Operation.REMOVE})
    assert kind.capability in set(Capability)
    assert kind.max_rows >= 1


@every
def test_an_ordinary_request_is_accepted_whole(name: str, home: Home, sandbox: Sandbox) -> None:
    answer = connector(home, name).send(ordinary_request(name))
    assert (answer.state, answer.reason, dict(answer.rows)) == (State.ACCEPTED, "", {})
    assert answer.provider_id
    assert sandbox.requests == (name in OVER_HTTP)


@every
def test_what_cannot_be_made_says_so_and_sends_nothing(name: str, home: Home, sandbox: Sandbox) -> None:
    other = "twilio" if Operation.SEND not in REGISTRY[name].operations else "meta"
    with pytest.raises(ConfigurationError, match=name):
        connector(home, name).send(ordinary_request(other))
    assert sandbox.requests == 0
    assert list(home.drops.rglob("*.*")) == []


@every
def test_nobodys_address_is_in_what_a_connector_says(name: str, home: Home, sandbox: Sandbox) -> None:
    del sandbox  # it only has to run
    request = ordinary_request(name)
    columns = [column for column in ("address", "email", "phone") if column in request.rows.column_names]
    private = {value for column in columns for value in request.rows[column].to_pylist()}
    destination = connector(home, name)
    text = f"{destination} {destination.send(request)} {destination!r}"
    assert [value for value in private if value in text] == []


@every
def test_an_unknown_name_lists_the_known_ones(name: str, home: Home) -> None:
    with pytest.raises(ConfigurationError, match=name):
        connector(home, "carrier_pigeon")


@over_http
def test_a_connection_is_named_as_the_settings_name_it(name: str) -> None:
    assert OVER_HTTP[name].connection == OVER_HTTP[name].connection.upper()
    assert OVER_HTTP[name].max_bytes > 0
    assert name not in AS_FILES


@over_http
def test_accepted_means_accepted_at_the_destination(name: str, home: Home, sandbox: Sandbox) -> None:
    request = ordinary_request(name)
    answer = connector(home, name).send(request)
    assert (answer.state, dict(answer.rows)) == (State.ACCEPTED, {})
    assert answer.provider_id
    assert len(sandbox.accepted()) == request.people
    assert {line["destination"] for line in sandbox.accepted()} == {name}
    assert sandbox.requests == 1


@over_http
def test_too_many_requests_gives_the_request_back(name: str, home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": f"/{name}/", "fault": "retry_after:7"})
    answer = connector(home, name).send(ordinary_request(name))
    assert (answer.state, answer.retry_after, answer.is_down) == (State.PLANNED, 7.0, False)
    assert sandbox.accepted() == []


@over_http
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_stop_everything(name: str, status: int, home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": f"/{name}/", "fault": f"status:{status}"})
    answer = connector(home, name).send(ordinary_request(name))
    assert (answer.state, answer.is_down) == (State.PLANNED, True)


@over_http
@pytest.mark.parametrize(
    "fault",
    ["status:500", "status:503", "status:408", "drop", "accept_then_500", "accept_then_drop", "garbage"],
)
def test_unknown_outcomes_are_in_doubt_after_one_request(
    name: str, fault: str, home: Home, sandbox: Sandbox
) -> None:
    sandbox.script({"path_prefix": f"/{name}/", "fault": fault})
    request = ordinary_request(name)
    answer = connector(home, name).send(request)
    assert (answer.state, answer.retry_after, answer.is_down) == (State.IN_DOUBT, None, False)
    assert sandbox.requests == 1
    was_accepted = fault.startswith("accept") or fault == "garbage"
    assert len(sandbox.accepted()) == (request.people if was_accepted else 0)


@over_http
@pytest.mark.parametrize("fault", ["drip", "sleep:2"])
def test_a_slow_answer_ends_at_the_deadline(name: str, fault: str, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": f"/{name}/", "fault": fault})
    began = time.monotonic()
    answer = impatient(name, f"{sandbox.url}/{name}").send(ordinary_request(name))
    assert (answer.state, answer.reason) == (State.IN_DOUBT, "timeout")
    assert time.monotonic() - began < DEADLINE + 0.6


@over_http
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_in_doubt_and_not_followed(
    name: str, status: int, home: Home, sandbox: Sandbox
) -> None:
    sandbox.script({"path_prefix": f"/{name}/", "fault": f"status:{status}"})
    answer = connector(home, name).send(ordinary_request(name))
    assert (answer.state, answer.reason) == (State.IN_DOUBT, f"http_{status}")
    assert sandbox.requests == 1


@over_http
def test_a_refused_connection_is_certainly_not_sent(name: str) -> None:
    answer = impatient(name, "http://127.0.0.1:1").send(ordinary_request(name))
    assert (answer.state, answer.is_down, answer.reason) == (State.PLANNED, True, "cannot_connect")


@over_http
def test_tls_that_fails_is_certainly_not_sent(name: str, raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(200, b"{}"))
    answer = impatient(name, server.url.replace("http:", "https:")).send(ordinary_request(name))
    assert (answer.state, answer.is_down) == (State.PLANNED, True)


@over_http
def test_a_refusal_that_nobody_can_read_is_in_doubt(name: str, raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(422, b"<html>a proxy says no</html>"))
    assert impatient(name, server.url).send(ordinary_request(name)).state is State.IN_DOUBT


@over_http
def test_a_success_of_another_shape_is_in_doubt(name: str, raw_server: RawServerMaker) -> None:
    for body in (b"", b"[]", b"{}", b"null", b"[" * 100_000, b'{"sid": 7, "num_received": "3"}'):
        server = raw_server(http_answer(200, body))
        assert impatient(name, server.url).send(ordinary_request(name)).state is State.IN_DOUBT


@over_http
def test_no_token_and_no_address_gets_out(
    name: str, raw_server: RawServerMaker, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = ordinary_request(name)
    columns = [column for column in ("address", "email", "phone") if column in request.rows.column_names]
    private = {value for column in columns for value in request.rows[column].to_pylist()} | set(SECRETS)
    echo = " ".join(sorted(private)).encode()
    said: list[Any] = []
    for base_url in (
        f"{sandbox.url}/{name}",
        "http://127.0.0.1:1",
        raw_server(drip).url,
        raw_server(b"HTTP/1.1 " + echo + b"\r\n\r\n").url,
        raw_server(b"HTTP/1.1 200 OK\r\n" + echo + b"\r\nContent-Length: 2\r\n\r\n{}").url,
        raw_server(http_answer(400, b'{"message": "' + echo + b'", "code": "' + echo + b'"}')).url,
        raw_server(http_answer(400, b'{"errors": [{"message": "' + echo + b'", "field": null}]}')).url,
        raw_server(http_answer(400, b'{"error": {"message": "' + echo + b'", "code": 100}}')).url,
    ):
        destination = impatient(name, base_url)
        said += [destination, vars(destination), destination.send(request)]
    stranger = OVER_HTTP[name](connection_to(name, f"{sandbox.url}/{name}", is_sandbox_allowed=False), SENDER)
    with pytest.raises(ConfigurationError) as caught:
        stranger.send(request)
    text = f"{said} {caught.value} {caught.value.__cause__} {caught.value.__context__} {caplog.text}"
    assert [value for value in private if value in text] == []


@over_http
def test_a_live_home_refuses_receipts_from_the_sandbox(name: str, sandbox: Sandbox) -> None:
    live = connection_to(name, f"{sandbox.url}/{name}", is_sandbox_allowed=False)
    with pytest.raises(ConfigurationError, match="a live home refuses"):
        OVER_HTTP[name](live, SENDER).send(ordinary_request(name))


@over_http
def test_credentials_of_the_wrong_kind_are_named(name: str) -> None:
    wrong = Connection(OVER_HTTP[name].connection, "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=f"MUSTER_{OVER_HTTP[name].connection}_"):
        OVER_HTTP[name](wrong, SENDER)
