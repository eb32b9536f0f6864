"""Requests for each connector, and servers that misbehave.

The conformance kit asks every registered connector with what is here. A connector whose rows need more than its channel
has gets an entry in one of the tables below, and no code.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

import pyarrow as pa

from activation.connectors.registry import OVER_HTTP, REGISTRY
from activation.content import load_templates
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.settings import Connection, Sender
from activation.types import Content, Operation, Request

SECRETS = ("secret-token", "secret-password")
TEMPLATES = {"email": "weekly_reactivation", "sms": "vip_offer"}
# Other channels need no shipped template: what they carry is this.
PLAIN = {"subject": "Hi {{ first_name }}", "text": "Here is {{ offer_text }} from {{ postal_address }}"}
SENDER = Sender(
    email="hello@shop.example.com",
    name="Example Shop",
    postal_address="Example & Sons, 1 Example Street",
    unsubscribe_url="https://shop.example.com/unsubscribe",
    phone="+15550100000",
    callback_url="http://127.0.0.1:9/callbacks",
    privacy_url="https://shop.example.com/privacy",
)
# What an ordinary message's fields say: any template of the kit finds its values here.
FIELDS = {
    "first_name": "Zelmira",
    "last_name": "Quillfeather",
    "offer_text": "15 % off",
    "line1": "47 Quillfeather Lane",
    "city": "Springfield",
    "state": "IL",
    "zip": "01234",
}
# An address by channel, or by connector where that is not enough, of a person's number.
ADDRESSES = {
    "email": "person{n}@example.com",
    "push": "ExponentPushToken[phone-{n}]",
    "fcm": "phone-{n}",
    "mail": "Zelmira Quillfeather, {n} Example Street, Springfield",
}
PHONE = "+1555{line:07}"
FIRST_LINE = 100_100
# A row that the vendor's twin refuses, by connector: what differs from an ordinary one. Other connectors are asked with
# a row that names nobody, which they refuse by themselves.
BAD_ROWS: dict[str, Mapping[str, str]] = {
    "sendgrid": {"address": "not an address"},
    "twilio": {"address": "+15005550004"},
    "expo": {"address": "ExponentPushToken[unregistered]"},
    "fcm": {"address": "unregistered"},
    "lob": {"fields": json.dumps(FIELDS | {"zip": "00000"})},
    "hubspot_tasks": {"address": "missing-1"},
    "dummy_fire": {"address": "refused@example.com"},
    "dummy_idempotent": {"address": "refused@example.com"},
    "dummy_lookup": {"address": "refused@example.com"},
}
# Connectors for which any 2xx is a yes, whatever it says.
ANY_SUCCESS: frozenset[str] = frozenset()
# What the real one answers to an ordinary request, for a connector that has no twin in the sandbox.
SAMPLES: dict[str, Response] = {}


def stand_in(name: str) -> Twin:
    """Make a twin that says yes to everything with the connector's sample answer, and knows nobody."""
    people = ordinary_request(name).people

    def answer(_: Call) -> Response:
        return replace(SAMPLES[name], accepted=({},) * people)

    return Twin(answer, lambda status: encoded(status, {"error": "refused"}))


def connection_to(name: str, base_url: str, *, is_sandbox_allowed: bool = True) -> Connection:
    return Connection(
        OVER_HTTP[name].connection, base_url, SECRETS[0], "AC0123", SECRETS[1], is_sandbox_allowed
    )


@cache
def content_for(channel: str) -> Content:
    if channel in TEMPLATES:
        return load_templates()[TEMPLATES[channel]]
    placeholders = frozenset({"first_name", "offer_text", "postal_address"})
    return Content("hello", "abc123abc123", channel, PLAIN, placeholders)


def messages(name: str, fields: list[str | None], addresses: list[str] | None = None) -> Request:
    """Ask a connector, or any of a channel, for messages; ``fields`` is JSON for each person."""
    people = len(fields)
    channel = REGISTRY[name].channel if name in REGISTRY else name
    shape = ADDRESSES.get(name) or ADDRESSES.get(channel) or PHONE
    content = content_for(channel)
    rows = {
        "position": pa.array(range(people), pa.int64()),
        "message_id": pa.array([f"{number:032x}" for number in range(people)]),
        "customer_id": pa.array([f"c{number}" for number in range(people)]),
        "address": pa.array(
            addresses or [shape.format(n=number, line=FIRST_LINE + number) for number in range(people)]
        ),
        "fields": pa.array(fields, pa.string()),
        "unsubscribe_url": pa.array(
            [f"https://shop.example.com/unsubscribe?token={n}" for n in range(people)]
        ),
    }
    return Request(
        "request-1", content.template, "2026-W47", 1, Operation.SEND, None, content, pa.table(rows)
    )


def memberships(
    emails: list[str | None], phones: list[str | None], operation: Operation = Operation.ADD
) -> Request:
    people = len(emails)
    rows = {
        "position": pa.array(range(people), pa.int64()),
        "message_id": pa.array([f"{number:032x}" for number in range(people)]),
        "customer_id": pa.array([f"c{number}" for number in range(people)]),
        "email": pa.array(emails, pa.string()),
        "phone": pa.array(phones, pa.string()),
        "external_id": pa.nulls(people, pa.string()),
    }
    return Request("request-1", "nightly", "2026-11-21", 1, operation, "120330", None, pa.table(rows))


@cache
def request_of(name: str, people: int) -> Request:
    """So many people whom the vendor would accept."""
    if Operation.SEND in REGISTRY[name].operations:
        return messages(name, [json.dumps(FIELDS)] * people)
    emails: list[str | None] = [ADDRESSES["email"].format(n=number) for number in range(people)]
    return memberships(emails, [PHONE.format(line=FIRST_LINE + number) for number in range(people)])


def ordinary_request(name: str) -> Request:
    """Up to three people whom the vendor would accept."""
    return request_of(name, min(3, REGISTRY[name].max_rows))


def with_row(request: Request, at: int, **changes: str | None) -> Request:
    """The same request, but for some values of one row."""
    rows = request.rows
    for name, value in changes.items():
        values = rows[name].to_pylist()
        values[at] = value
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values, rows[name].type))
    return replace(request, rows=rows)


def nobody_at(request: Request, at: int) -> Request:
    """The same request, but one row names nobody."""
    columns = [name for name in ("address", "email", "phone") if name in request.rows.column_names]
    return with_row(request, at, **dict.fromkeys(columns))


def private_values(request: Request) -> set[str]:
    """What nothing may say of a request's people."""
    columns = [name for name in ("address", "email", "phone") if name in request.rows.column_names]
    found = {value for column in columns for value in request.rows[column].to_pylist() if value}
    return found | {FIELDS["first_name"], FIELDS["last_name"], FIELDS["line1"]}


class RawServer:
    """A loopback server whose answers are bytes, or a function of the open socket. It keeps what it read."""

    def __init__(self, answer: bytes | Callable[[socket.socket], None]) -> None:
        self._answer = answer
        self.received: list[tuple[str, bytes]] = []
        self.heads: list[list[str]] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream, suppress(OSError, ValueError):
            while line := stream.readline():
                length = 0
                head = []
                while (header := stream.readline()).strip():
                    head.append(header.decode("latin-1").strip())
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                self.heads.append(head)
                self.received.append((line.decode().strip(), stream.read(length)))
                if not isinstance(self._answer, bytes):
                    self._answer(client)
                    return
                client.sendall(self._answer)


def http_answer(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def drip(client: socket.socket) -> None:
    """Send one more byte of a header whenever the reader might give up; for at most 20 seconds."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(400):
        client.sendall(b".")
        time.sleep(0.05)
