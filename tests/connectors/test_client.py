"""The client's judgement, against servers that do what servers should not."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from connector_cases import SECRETS, RawServer, connection_to, drip, http_answer

from activation.connectors import transport
from activation.connectors.client import Auth, Client, check_size
from activation.connectors.reply import Reply, Verdict, retry_after
from activation.errors import ConfigurationError
from activation.types import State

RawServerMaker = Callable[[Any], RawServer]
OK = http_answer(200, b'{"ok": true}')


def client(base_url: str, **limits: Any) -> Client:
    return Client(connection_to("sendgrid", base_url), **({"deadline": 5.0} | limits))


def test_an_answer_is_read_to_its_end(raw_server: RawServerMaker) -> None:
    reply = client(raw_server(OK).url).post("/x", json_body=b"{}")
    assert (reply.verdict, reply.status, reply.json()) == (Verdict.ANSWERED, 200, {"ok": True})
    assert reply.unsettled() is None


def test_credentials_travel_in_a_header_and_never_in_the_url(raw_server: RawServerMaker) -> None:
    lines: list[bytes] = []

    def listen(open_socket: socket.socket) -> None:
        open_socket.sendall(OK)

    server = raw_server(listen)
    client(server.url).post("/x", form=b"a=b")
    lines += [line.encode() for line, _ in server.received]
    assert lines == [b"POST /x HTTP/1.1"]
    assert [body for _, body in server.received] == [b"a=b"]


def test_both_kinds_of_credentials() -> None:
    connection = connection_to("sendgrid", "http://127.0.0.1:1")
    signed = [Client(connection, auth)._headers.get("Authorization") for auth in Auth]
    assert signed[2] is None
    bearer, basic = signed[:2]
    assert (bearer, basic) == (f"Bearer {SECRETS[0]}", "Basic QUMwMTIzOnNlY3JldC1wYXNzd29yZA==")


@pytest.mark.parametrize(
    "path", ["x", "//other.example.com/x?y", "/x?token=1", "/x#y", "http://e.example", "/a b"]
)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="plain"):
        client("http://127.0.0.1:1").get(path)


def test_a_connection_is_used_again_while_it_is_fresh(raw_server: RawServerMaker) -> None:
    server = raw_server(OK)
    speaking = client(server.url)
    assert {speaking.post("/x", json_body=b"{}").verdict for _ in range(3)} == {Verdict.ANSWERED}
    assert server.connections == 1


def test_a_connection_that_lay_idle_is_not_used_again(
    raw_server: RawServerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_IDLE_SECONDS", 0.05)
    server = raw_server(OK)
    speaking = client(server.url)
    speaking.post("/x", json_body=b"{}")
    time.sleep(0.1)
    assert speaking.post("/x", json_body=b"{}").verdict is Verdict.ANSWERED
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used_again(raw_server: RawServerMaker) -> None:
    server = raw_server(lambda open_socket: open_socket.sendall(OK))
    speaking = client(server.url)
    for _ in range(2):
        assert speaking.post("/x", json_body=b"{}").verdict is Verdict.ANSWERED
        time.sleep(0.05)
    assert server.connections == 2


def endless(open_socket: socket.socket) -> None:
    open_socket.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(400):
        open_socket.sendall(b"x")
        time.sleep(0.05)


def forever_continue(open_socket: socket.socket) -> None:
    for _ in range(400):
        open_socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


def silent(open_socket: socket.socket) -> None:
    open_socket.recv(1)


@pytest.mark.parametrize("behaviour", [drip, endless, forever_continue, silent])
def test_the_deadline_holds_for_the_whole_attempt(
    behaviour: Callable[[socket.socket], None], raw_server: RawServerMaker
) -> None:
    began = time.monotonic()
    reply = client(raw_server(behaviour).url, deadline=0.4).post("/x", json_body=b"{}")
    assert (reply.verdict, reply.reason) == (Verdict.UNKNOWN, "timeout")
    assert time.monotonic() - began < 1.0


def test_a_deadline_that_cut_one_attempt_leaves_the_next_alone(raw_server: RawServerMaker) -> None:
    behaviours = iter([silent, lambda open_socket: open_socket.sendall(OK)])

    def behave(open_socket: socket.socket) -> None:
        next(behaviours)(open_socket)

    speaking = client(raw_server(behave).url, deadline=0.4)
    verdicts = [speaking.post("/x", json_body=b"{}").verdict for _ in range(2)]
    assert verdicts == [Verdict.UNKNOWN, Verdict.ANSWERED]


def test_a_handshake_that_never_ends_is_certainly_not_sent(raw_server: RawServerMaker) -> None:
    server = raw_server(silent)
    reply = client(server.url.replace("http:", "https:"), deadline=0.4).post("/x", json_body=b"{}")
    assert (reply.verdict, reply.reason) == (Verdict.NOT_SENT, "connect_timeout")


def test_a_name_that_does_not_exist_is_certainly_not_sent() -> None:
    reply = client("http://no-such-host.invalid").post("/x", json_body=b"{}")
    assert reply.verdict is Verdict.NOT_SENT


def test_a_proxy_from_the_environment_gets_nothing(
    raw_server: RawServerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = raw_server(OK)
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    reply = client("http://no-such-host.invalid").post("/x", json_body=b"{}")
    assert (reply.verdict, proxy.received) == (Verdict.NOT_SENT, [])


BOMB = gzip.compress(b"\0" * 50_000_000)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(200, b"x" * 5_000),
        http_answer(400, b"x" * 5_000),
        http_answer(200, BOMB, "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        http_answer(200, b"not gzip", "Content-Encoding: gzip"),
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=[
        "large",
        "large_refusal",
        "bomb",
        "truncated",
        "bad_chunk",
        "bad_gzip",
        "not_http",
        "headers",
        "header",
    ],
)
def test_an_answer_that_cannot_be_read_is_unknown(answer: bytes, raw_server: RawServerMaker) -> None:
    def once(open_socket: socket.socket) -> None:
        open_socket.sendall(answer)

    reply = client(raw_server(once).url, max_body=1_000).post("/x", json_body=b"{}")
    assert reply.verdict is Verdict.UNKNOWN


def test_compressed_answers_within_the_limit_are_read(raw_server: RawServerMaker) -> None:
    answer = http_answer(200, gzip.compress(b'{"ok": true}'), "Content-Encoding: gzip")
    assert client(raw_server(answer).url).get("/x").json() == {"ok": True}


def test_429_needs_no_readable_body(raw_server: RawServerMaker) -> None:
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 100\r\n\r\n"
    reply = client(raw_server(answer).url).post("/x", json_body=b"{}")
    settled = reply.unsettled()
    assert settled is not None
    assert (settled.state, settled.retry_after, settled.is_down) == (State.PLANNED, 3.0, False)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": " 0 "}, 0, 0),
        ({"Retry-After": "-5"}, 0, 0),
        ({"Retry-After": "3600"}, 3600, 3600),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0, 0),
        ({"X-RateLimit-Reset": "12"}, 12, 12),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "12"}, 12, 12),
        ({"Retry-After": "1", "X-RateLimit-Reset": "12"}, 1, 1),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], low: float, high: float) -> None:
    seconds = retry_after(headers)
    assert seconds is not None
    assert low <= seconds <= high


def test_retry_after_as_a_moment() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)
    for headers in (
        {"Retry-After": format_datetime(moment, usegmt=True)},
        {"X-RateLimit-Reset": str(int(moment.timestamp()))},
    ):
        seconds = retry_after(headers)
        assert seconds is not None
        assert 80 <= seconds <= 90


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "1e999", "٣", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_says_nothing(value: str) -> None:
    assert retry_after({"Retry-After": value}) in {None, 3.0}


def test_a_body_over_the_limit_is_refused_before_it_is_sent() -> None:
    assert check_size("sendgrid", b"123", 3) == b"123"
    with pytest.raises(ConfigurationError, match="over the limit of 3"):
        check_size("sendgrid", b"1234", 3)


def test_a_reply_shows_neither_headers_nor_body() -> None:
    reply = Reply(Verdict.ANSWERED, "http_200", 200, {"X-Secret": SECRETS[0]}, SECRETS[1].encode())
    assert not any(secret in repr(reply) for secret in SECRETS)
