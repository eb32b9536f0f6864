"""Requests for each connector, and servers that misbehave."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pyarrow as pa

from activation.connectors.registry import OVER_HTTP, REGISTRY
from activation.content import load_templates
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


def connection_to(name: str, base_url: str, *, is_sandbox_allowed: bool = True) -> Connection:
    return Connection(
        OVER_HTTP[name].connection, base_url, SECRETS[0], "AC0123", SECRETS[1], is_sandbox_allowed
    )


def content_for(channel: str) -> Content:
    if channel in TEMPLATES:
        return load_templates()[TEMPLATES[channel]]
    placeholders = frozenset({"first_name", "offer_text", "postal_address"})
    return Content("hello", "abc123abc123", channel, PLAIN, placeholders)


def messages(name: str, fields: list[str | None], addresses: list[str] | None = None) -> Request:
    """Ask for messages; ``fields`` is JSON for each person."""
    people = len(fields)
    shape = "person{}@example.com" if REGISTRY[name].channel == "email" else "+155501001{:02}"
    content = content_for(REGISTRY[name].channel)
    rows = {
        "position": pa.array(range(people), pa.int64()),
        "message_id": pa.array([f"{number:032x}" for number in range(people)]),
        "customer_id": pa.array([f"c{number}" for number in range(people)]),
        "address": pa.array(addresses or [shape.format(number) for number in range(people)]),
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


def ordinary_request(name: str) -> Request:
    """Up to three people whom the vendor would accept."""
    people = min(3, REGISTRY[name].max_rows)
    if Operation.SEND not in REGISTRY[name].operations:
        return memberships([f"person{n}@example.com" for n in range(people)], ["+15550100123"] * people)
    return messages(name, [json.dumps({"first_name": "Ann", "offer_text": "15 % off"})] * people)


class RawServer:
    """A loopback server whose answers are bytes, or a function of the open socket. It keeps what it read."""

    def __init__(self, answer: bytes | Callable[[socket.socket], None]) -> None:
        self._answer = answer
        self.received: list[tuple[str, bytes]] = []
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
                while (header := stream.readline()).strip():
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
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
