"""What every connector must do, whatever its vendor: the suite runs over the registry.

A destination over HTTP is asked what its twin in the sandbox and hostile servers ask (without a twin, a stand-in that
says yes); what every destination that is a directory must do is in ``test_file_conformance.py``. What a connector
declares is held against it: its limits, and what its capability promises about an answer that was lost.
"""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from connector_cases import (
    ANY_SUCCESS,
    BAD_ROWS,
    SAMPLES,
    SECRETS,
    SENDER,
    RawServer,
    connection_to,
    drip,
    http_answer,
    nobody_at,
    ordinary_request,
    private_values,
    request_of,
    stand_in,
    with_row,
)

from activation.connectors import Connector, LooksUp, Replays
from activation.connectors.client import Client
from activation.connectors.registry import AS_FILES, OVER_HTTP, REGISTRY, connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.sandbox.server import TWINS
from activation.settings import Connection
from activation.types import Answer, Capability, Operation, Request, State, TooLargeError

every = pytest.mark.parametrize("name", sorted(REGISTRY))
over_http = pytest.mark.parametrize("name", sorted(OVER_HTTP))
RawServerMaker = Callable[[Any], RawServer]
DEADLINE = 0.4
# A killed process leaves at most twice the requests of a group open: nobody wants more people in doubt at once.
MAX_IN_DOUBT = 2_000
MAX_REQUESTS = 60
CLOSE = "Connection: close"
BOMB = gzip.compress(b"\0" * 20_000_000, 1)


def of(capability: Capability) -> pytest.MarkDecorator:
    """Parametrize by the destinations over HTTP that promise this."""
    names = sorted(name for name, kind in OVER_HTTP.items() if kind.capability is capability)
    return pytest.mark.parametrize("name", names)


def vendor(name: str) -> str:
    """Under which name the sandbox has a connector's twin."""
    return OVER_HTTP[name].connection.lower()


def prefix(name: str) -> str:
    return f"/{vendor(name)}/"


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stand-in answer for each destination that has no twin."""
    for name in OVER_HTTP:
        if vendor(name) not in TWINS:
            assert name in SAMPLES, f"{name} has no twin in the sandbox: give it one, or a sample answer"
            monkeypatch.setitem(TWINS, vendor(name), stand_in(name))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Connector]:
    """Make connectors whose requests take at most ``DEADLINE`` seconds."""
    ordinary = Client.__init__

    def hurried(self: Client, *arguments: Any, **options: Any) -> None:
        ordinary(self, *arguments, **(options | {"deadline": DEADLINE}))

    monkeypatch.setattr(Client, "__init__", hurried)
    return lambda name, base_url: OVER_HTTP[name](connection_to(name, base_url), SENDER)


def states(answer: Answer, people: int) -> list[State]:
    """What an answer says of each row."""
    return [answer.rows[row].state if row in answer.rows else answer.state for row in range(people)]


def ids_of(answer: Answer, people: int) -> list[str | None]:
    """What the destination calls each row."""
    found = [answer.rows[row].provider_id if row in answer.rows else None for row in range(people)]
    return [of_row or answer.provider_id for of_row in found]


def is_accepted_whole(answer: Answer, people: int) -> bool:
    reasons = {answer.reason, *(verdict.reason for verdict in answer.rows.values())}
    return set(states(answer, people)) == {State.ACCEPTED} and reasons == {""} and all(ids_of(answer, people))


def delivered(destination: Connector, request: Request) -> dict[int, State]:
    """Send as delivery does: again what was given back, and the halves of what is divisible."""
    final: dict[int, State] = {}
    waiting = [list(range(request.people))]
    for number in range(MAX_REQUESTS):
        if not waiting:
            return final
        rows = waiting.pop()
        part = replace(request, request_id=f"request-{number}", rows=request.rows.take(rows))
        answer = destination.send(part)
        assert not answer.is_down, answer.reason
        if answer.state is State.REFUSED and answer.is_divisible and len(rows) > 1:
            waiting += [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
            continue
        found = dict(zip(rows, states(answer, len(rows)), strict=True))
        final |= {row: state for row, state in found.items() if state is not State.PLANNED}
        given_back = [row for row in rows if found[row] is State.PLANNED]
        assert len(given_back) < len(rows), f"nothing came of a request: {answer.reason}"
        waiting += [given_back] if given_back else []
    pytest.fail(f"{MAX_REQUESTS} requests were not enough")


@every
def test_declares_what_delivery_asks(name: str) -> None:
    kind = REGISTRY[name]
    assert kind.name == name
    assert kind.channel == kind.channel.lower()
    assert kind.operations in ({Operation.SEND}, {Operation.ADD, Operation.REMOVE})
    assert kind.capability in set(Capability)
    assert kind.max_rows >= 1
    speed = kind.throughput
    assert min(speed.requests, speed.seconds) >= 0
    assert min(speed.workers, speed.group) >= 1
    if kind.capability is Capability.FIRE_AND_FORGET:
        assert 2 * speed.group * kind.max_rows <= MAX_IN_DOUBT
        assert Operation.SEND in kind.operations


@every
def test_what_a_capability_promises_can_be_asked_for(name: str) -> None:
    kind = REGISTRY[name]
    assert hasattr(kind, "look_up") == (kind.capability in {Capability.LOOKUP, Capability.FILE})
    assert hasattr(kind, "replay_seconds") == (kind.capability is Capability.IDEMPOTENT)
    if kind.capability is Capability.SET:
        assert kind.operations == {Operation.ADD, Operation.REMOVE}


@every
def test_an_ordinary_request_is_accepted_whole(name: str, home: Home, sandbox: Sandbox) -> None:
    request = ordinary_request(name)
    answer = connector(home, name).send(request)
    assert is_accepted_whole(answer, request.people), answer
    if name in OVER_HTTP:
        assert len(sandbox.accepted()) == request.people
        assert {line["destination"] for line in sandbox.accepted()} <= {vendor(name), name}
        assert sandbox.requests == 1


@every
def test_what_cannot_be_made_says_so_and_sends_nothing(name: str, home: Home, sandbox: Sandbox) -> None:
    destination = connector(home, name)
    other = "twilio" if Operation.SEND not in REGISTRY[name].operations else "meta"
    for request in (ordinary_request(other), request_of(name, REGISTRY[name].max_rows + 1)):
        with pytest.raises(ConfigurationError, match=name):
            destination.send(request)
    assert sandbox.requests == 0
    assert list(home.drops.rglob("*.*")) == []


@every
def test_who_cannot_be_named_costs_nobody_else(name: str, home: Home, sandbox: Sandbox) -> None:
    """Of as many people as one request takes: one is refused, and everybody else is there."""
    people = REGISTRY[name].max_rows
    bad = people // 2
    answer = connector(home, name).send(nobody_at(request_of(name, people), bad))
    expected = [State.REFUSED if row == bad else State.ACCEPTED for row in range(people)]
    assert states(answer, people) == expected
    if name in OVER_HTTP and name not in SAMPLES:
        assert len(sandbox.accepted()) == people - 1
    if people == 1:
        assert sandbox.requests == 0


@every
def test_nobodys_address_is_in_what_a_connector_says(name: str, home: Home, sandbox: Sandbox) -> None:
    del sandbox  # it only has to run
    request = ordinary_request(name)
    destination = connector(home, name)
    text = f"{destination} {destination.send(request)} {destination!r}"
    if isinstance(destination, LooksUp):
        text += str(destination.look_up(request))
    assert [value for value in private_values(request) if value in text] == []


def test_an_unknown_name_lists_the_known_ones(home: Home) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connector(home, "carrier_pigeon")
    assert [name for name in REGISTRY if name not in str(caught.value)] == []


@over_http
def test_a_connection_is_named_as_the_settings_name_it(name: str) -> None:
    assert OVER_HTTP[name].connection == OVER_HTTP[name].connection.upper()
    assert OVER_HTTP[name].max_bytes > 0
    assert name not in AS_FILES


@pytest.mark.parametrize("name", sorted(set(BAD_ROWS) & set(OVER_HTTP)))
def test_whom_the_vendor_refuses_costs_nobody_else(name: str, home: Home, sandbox: Sandbox) -> None:
    people = REGISTRY[name].max_rows
    bad = people // 3
    request = with_row(request_of(name, people), bad, **BAD_ROWS[name])
    expected = {row: State.REFUSED if row == bad else State.ACCEPTED for row in range(people)}
    assert delivered(connector(home, name), request) == expected
    accepted = [line["message_id"] for line in sandbox.accepted()]
    wanted = request.rows["message_id"].to_pylist()
    assert sorted(accepted) == [message_id for row, message_id in enumerate(wanted) if row != bad]


@over_http
def test_a_body_over_the_limit_is_not_sent(
    name: str, home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = connector(home, name)
    monkeypatch.setattr(type(destination), "max_bytes", 10)
    with pytest.raises(TooLargeError, match=name):
        destination.send(ordinary_request(name))
    assert sandbox.requests == 0


def one_after_the_other(raw_server: RawServerMaker, answers: list[bytes]) -> RawServer:
    """Make a server that gives one answer to a connection, and then closes it."""
    left = iter(answers)
    return raw_server(lambda client: client.sendall(next(left)))


def waits() -> Iterator[tuple[list[str], tuple[float, float] | None]]:
    """Yield what a vendor may say of how long to wait, and between which seconds that is."""
    soon = datetime.now(UTC) + timedelta(seconds=90)
    yield ["Retry-After: 7"], (7, 7)
    yield ["Retry-After: 3600"], (3600, 3600)
    yield [f"Retry-After: {format_datetime(soon, usegmt=True)}"], (70, 90)
    yield [f"X-RateLimit-Reset: {int(soon.timestamp())}"], (70, 90)
    yield ["Retry-After: soon"], None
    yield [], None


@over_http
def test_too_many_requests_gives_the_request_back(
    name: str, raw_server: RawServerMaker, impatient: Callable[[str, str], Connector]
) -> None:
    cases = list(waits())
    server = one_after_the_other(
        raw_server, [http_answer(429, b"<html>slow down</html>", *headers, CLOSE) for headers, _ in cases]
    )
    destination = impatient(name, server.url)
    for number, (headers, seconds) in enumerate(cases, start=1):
        answer = destination.send(ordinary_request(name))
        assert (answer.state, answer.is_down) == (State.PLANNED, False), headers
        if seconds is None:
            assert answer.retry_after is None, headers
        else:
            assert seconds[0] <= (answer.retry_after or -1) <= seconds[1], headers
        assert len(server.received) == number


@over_http
def test_refused_credentials_stop_everything(name: str, home: Home, sandbox: Sandbox) -> None:
    destination = connector(home, name)
    for status in (401, 403):
        sandbox.script({"path_prefix": prefix(name), "fault": f"status:{status}"})
        answer = destination.send(ordinary_request(name))
        assert (answer.state, answer.is_down) == (State.PLANNED, True), status
    assert sandbox.accepted() == []


@over_http
@pytest.mark.parametrize("fault", ["drop", "accept_then_500", "accept_then_drop", "garbage"])
def test_an_answer_that_was_lost_is_in_doubt(name: str, fault: str, home: Home, sandbox: Sandbox) -> None:
    if fault == "garbage" and name in ANY_SUCCESS:
        pytest.skip("any 2xx is a yes to it")
    sandbox.script({"path_prefix": prefix(name), "fault": fault})
    request = ordinary_request(name)
    answer = connector(home, name).send(request)
    assert (answer.state, answer.retry_after, answer.is_down) == (State.IN_DOUBT, None, False)
    assert set(states(answer, request.people)) == {State.IN_DOUBT}
    assert sandbox.requests == 1
    assert len(sandbox.accepted()) == (0 if fault == "drop" else request.people)


@over_http
def test_a_status_that_says_nothing_is_in_doubt_after_one_request(
    name: str, home: Home, sandbox: Sandbox
) -> None:
    """A 5xx may come after the vendor acted, and what a redirect points to is nobody's business."""
    destination = connector(home, name)
    for number, status in enumerate((500, 502, 503, 504, 408, 301, 302, 303, 307, 308), start=1):
        sandbox.script({"path_prefix": prefix(name), "fault": f"status:{status}"})
        answer = destination.send(ordinary_request(name))
        assert (answer.state, answer.reason, answer.is_down) == (State.IN_DOUBT, f"http_{status}", False)
        assert sandbox.requests == number


@over_http
@pytest.mark.parametrize("fault", ["drip", "sleep:2"])
def test_a_slow_answer_ends_at_the_deadline(
    name: str, fault: str, sandbox: Sandbox, impatient: Callable[[str, str], Connector]
) -> None:
    sandbox.script({"path_prefix": prefix(name), "fault": fault})
    began = time.monotonic()
    answer = impatient(name, f"{sandbox.url}/{vendor(name)}").send(ordinary_request(name))
    assert (answer.state, answer.reason) == (State.IN_DOUBT, "timeout")
    assert time.monotonic() - began < DEADLINE + 0.6


@over_http
def test_what_never_left_is_certainly_not_sent(
    name: str, raw_server: RawServerMaker, impatient: Callable[[str, str], Connector]
) -> None:
    answer = impatient(name, "http://127.0.0.1:1").send(ordinary_request(name))
    assert (answer.state, answer.is_down, answer.reason) == (State.PLANNED, True, "cannot_connect")
    server = raw_server(http_answer(200, b"{}"))
    answer = impatient(name, server.url.replace("http:", "https:")).send(ordinary_request(name))
    assert (answer.state, answer.is_down) == (State.PLANNED, True)
    assert server.received == []


@over_http
def test_an_answer_that_nobody_can_read_is_in_doubt(
    name: str, raw_server: RawServerMaker, impatient: Callable[[str, str], Connector]
) -> None:
    request = ordinary_request(name)
    shapes = (
        b"",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"sid": 7, "num_received": "3"}',
        b"<html></html>",
    )
    answers = [http_answer(200, shape, CLOSE) for shape in shapes] if name not in ANY_SUCCESS else []
    answers += [
        http_answer(400, b"<html>a proxy says no</html>", CLOSE),
        http_answer(422, b"<html>a proxy says no</html>", CLOSE),
        http_answer(200, b"x" * 1_100_000, CLOSE),
        http_answer(200, BOMB, "Content-Encoding: gzip", CLOSE),
        http_answer(422, BOMB, "Content-Encoding: gzip", CLOSE),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ]
    server = one_after_the_other(raw_server, answers)
    destination = impatient(name, server.url)
    for number, said in enumerate(answers, start=1):
        answer = destination.send(request)
        assert (answer.state, answer.is_down) == (State.IN_DOUBT, False), (said[:200], answer)
        assert len(server.received) == number


@over_http
def test_no_token_and_no_address_gets_out(
    name: str,
    raw_server: RawServerMaker,
    sandbox: Sandbox,
    impatient: Callable[[str, str], Connector],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for logger, found in logging.root.manager.loggerDict.items():
        if isinstance(found, logging.Logger) and found.level > logging.DEBUG:
            caplog.set_level(logging.DEBUG, logger=logger)
    request = ordinary_request(name)
    private = private_values(request) | set(SECRETS)
    echo = " ".join(sorted(private)).encode()
    error = {
        "message": echo.decode(),
        "code": echo.decode(),
        "status": echo.decode(),
        "details": [echo.decode()],
    }
    hostile = [
        b"HTTP/1.1 " + echo + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + echo + b"\r\nContent-Length: 2\r\n\r\n{}",
        *(
            http_answer(status, json.dumps(body).encode(), CLOSE)
            for status, body in (
                (400, error),
                (400, {"errors": [error | {"field": None}]}),
                (400, {"error": error}),
                (400, {"error": error | {"code": 100}}),
                (200, {"data": [error] * 3, "results": [error], "refused": [error]}),
            )
        ),
    ]
    if REGISTRY[name].capability is Capability.LOOKUP:
        hostile = [answer for answer in hostile for _ in range(2)]  # a look-up gets each as well
    said: list[Any] = []
    for base_url, times in (
        (f"{sandbox.url}/{vendor(name)}", 1),
        ("http://127.0.0.1:1", 1),
        (raw_server(drip).url, 1),
        (one_after_the_other(raw_server, hostile).url, len(hostile)),
    ):
        destination = impatient(name, base_url)
        for number in range(times):
            is_looked_up = isinstance(destination, LooksUp) and number % 2
            said.append(destination.look_up(request) if is_looked_up else destination.send(request))
        said += [destination, vars(destination)]
    stranger = OVER_HTTP[name](
        connection_to(name, f"{sandbox.url}/{vendor(name)}", is_sandbox_allowed=False), SENDER
    )
    with pytest.raises(ConfigurationError) as caught:
        stranger.send(request)
    text = f"{said} {caught.value} {caught.value.__cause__} {caught.value.__context__} {caplog.text}"
    assert [value for value in private if value in text] == []


@over_http
def test_a_live_home_refuses_receipts_from_the_sandbox(name: str, sandbox: Sandbox) -> None:
    live = connection_to(name, f"{sandbox.url}/{vendor(name)}", is_sandbox_allowed=False)
    with pytest.raises(ConfigurationError, match="a live home refuses"):
        OVER_HTTP[name](live, SENDER).send(ordinary_request(name))


@over_http
def test_credentials_of_the_wrong_kind_are_named(name: str) -> None:
    wrong = Connection(OVER_HTTP[name].connection, "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=f"MUSTER_{OVER_HTTP[name].connection}_"):
        OVER_HTTP[name](wrong, SENDER)


def is_of_the_attempt(header: str) -> bool:
    """Whether a header may be new in each attempt: a signature holds the time, so that a copy grows old."""
    return header.partition(":")[0].lower().endswith(("-timestamp", "-signature"))


@of(Capability.IDEMPOTENT)
def test_the_same_request_again_is_the_same_key_and_bytes(name: str, raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(500, b""))
    request = ordinary_request(name)
    for asked in (request, request, replace(request, request_id="request-2")):
        OVER_HTTP[name](connection_to(name, server.url), SENDER).send(asked)
        if len(server.received) == 1:
            time.sleep(1.1)  # into another second: what is made of a clock would differ
    lasting = [sorted(line for line in head if not is_of_the_attempt(line)) for head in server.heads]
    first, again, other = zip(server.received, lasting, strict=True)
    assert first == again
    assert first != other


@of(Capability.IDEMPOTENT)
@pytest.mark.parametrize("fault", ["accept_then_drop", "accept_then_500", "drop"])
def test_a_repeated_request_reaches_people_once(name: str, fault: str, home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": prefix(name), "fault": fault})
    request = ordinary_request(name)
    assert connector(home, name).send(request).state is State.IN_DOUBT
    repeated = connector(home, name)
    assert isinstance(repeated, Replays)
    assert repeated.replay_seconds > 0
    for _ in range(2):
        assert is_accepted_whole(repeated.send(request), request.people)
    if name not in SAMPLES:
        assert len(sandbox.accepted()) == request.people


@of(Capability.LOOKUP)
def test_what_was_lost_can_be_looked_up(name: str, home: Home, sandbox: Sandbox) -> None:
    request = ordinary_request(name)
    destination = connector(home, name)
    assert isinstance(destination, LooksUp)
    for fault, expected in (("drop", State.PLANNED), ("accept_then_drop", State.ACCEPTED)):
        sandbox.script({"path_prefix": prefix(name), "fault": fault})
        assert destination.send(request).state is State.IN_DOUBT
        before = len(sandbox.accepted())
        answer = destination.look_up(request)
        assert set(states(answer, request.people)) == {expected}
        assert (expected is State.PLANNED) or all(ids_of(answer, request.people))
        assert len(sandbox.accepted()) == before


@of(Capability.LOOKUP)
def test_a_look_up_that_fails_leaves_the_doubt(
    name: str, home: Home, sandbox: Sandbox, impatient: Callable[[str, str], Connector]
) -> None:
    request = ordinary_request(name)
    destination = connector(home, name)
    assert isinstance(destination, LooksUp)
    assert is_accepted_whole(destination.send(request), request.people)
    for fault in ("status:500", "status:401", "status:404", "retry_after:7", "drop", "garbage"):
        sandbox.script({"path_prefix": prefix(name), "fault": fault})
        assert set(states(destination.look_up(request), request.people)) == {State.IN_DOUBT}, fault
    away = impatient(name, "http://127.0.0.1:1")
    assert isinstance(away, LooksUp)
    assert set(states(away.look_up(request), request.people)) == {State.IN_DOUBT}


def members(sandbox: Sandbox) -> set[str]:
    """Who is in the sets, by the log of what the twin accepted."""
    found: set[str] = set()
    for line in sandbox.accepted():
        who = ("audience", "identifiers", "address", "customer_id", "email", "phone", "external_id")
        member = json.dumps({key: line[key] for key in who if key in line}, sort_keys=True)
        (found.add if line["operation"] == "add" else found.discard)(member)
    return found


@of(Capability.SET)
def test_a_set_converges_whatever_is_repeated(name: str, home: Home, sandbox: Sandbox) -> None:
    if name in SAMPLES:
        pytest.skip("a stand-in knows no members")
    add = ordinary_request(name)
    remove = replace(add, operation=Operation.REMOVE)
    destination = connector(home, name)
    sizes = []
    for number, request in enumerate((add, add, remove, remove, add)):
        asked = replace(request, request_id=f"request-{number}")
        assert is_accepted_whole(destination.send(asked), request.people)
        sizes.append(len(members(sandbox)))
    assert sizes == [add.people, add.people, 0, 0, add.people]
