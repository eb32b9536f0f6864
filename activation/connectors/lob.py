"""Lob postcards, v1: one card in one request, once for each key.

Fields, codes and limits: Lob's OpenAPI document 1.3 (names of 40 characters, lines of 64, 10,000 of HTML, 150 requests
in five seconds). ``Idempotency-Key`` is kept for 24 hours: the same request again gives the same card.

A card goes to a structured address, so ``fields`` says ``line1``, ``city``, ``state`` and ``zip`` (and perhaps
``line2`` and ``country``, which is ``US``: a card abroad needs a return address that a sender here has not), and
``name`` or ``first_name`` and ``last_name``, as the letters for a printer do. The card's text is filled in here and
not by Lob's merge variables: what they do to a name that is no HTML is not documented.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from typing import ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.reply import Reply
from activation.connectors.rows import fields_of, first_row, one_line
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, State

MAX_NAME = 40
MAX_LINE = 64
# What the free part of the back holds in eleven points; more would be cut off in print.
MAX_TEXT = 800
NEEDED = ("name", "line1", "city", "state", "zip")
CONFLICT = 409
CODE = re.compile(r"[a-z][a-z_]{0,63}")
# What concerns the account or the template, and so everybody.
EVERYBODY = frozenset(
    {
        "foreign_return_address",
        "invalid_template_html",
        "mail_use_type_can_not_be_null",
        "unrecognized_endpoint",
        "unsupported_lob_version",
    }
)
# 4x6 inches with bleed; the back's lower right belongs to the address.
PAGE = "<html><body style='margin:0;width:6.25in;height:4.25in;font-family:Helvetica,Arial,sans-serif'>{}</body></html>"
FRONT = "<div style='position:absolute;top:1.7in;left:.5in;width:5.25in;text-align:center;font-size:36pt'>{}</div>"
BACK = "<div style='position:absolute;top:.25in;left:.25in;width:2.6in;height:3.75in;font-size:11pt'>{}</div>"


class Lob:
    """Postcards through Lob."""

    name: ClassVar[str] = "lob"
    connection: ClassVar[str] = "LOB"
    channel: ClassVar[str] = "mail"
    capability: ClassVar[Capability] = Capability.IDEMPOTENT
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 1
    throughput: ClassVar[Throughput] = Throughput(requests=150, seconds=5.0, workers=16, group=32)
    max_bytes: ClassVar[int] = 30_000
    replay_seconds: ClassVar[float] = 86_400.0

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        self._sender = sender
        self._client = client or Client(connection)
        # The key is the user and there is no password, which is neither of the client's two ways.
        pair = base64.b64encode(f"{connection.token}:".encode()).decode()
        self._sign_in = {"Authorization": f"Basic {pair}"}

    def send(self, request: Request) -> Answer:
        """Mail a card to the one person in ``request``; see :class:`activation.connectors.Connector`."""
        content = request.content
        if content is None or request.operation not in self.operations or request.people != 1:
            raise ConfigurationError("lob: a request carries a template's content and one person")
        row = first_row(request.rows, "message_id", "address", "fields")
        fields = fields_of(row["fields"])
        to = _to(fields)
        values = {**fields, **self._sender.fixed}
        missing = [name for name in NEEDED if not to[name]]
        missing += sorted(name for name in content.placeholders if name not in values)
        if not row["address"] or missing:
            return Answer(State.REFUSED, f"missing_field_{missing[0]}" if missing else "missing_address")
        if to["country"] not in {"", "US"}:
            return Answer(State.REFUSED, "lob_not_in_the_us")
        text = content.fill("text", values)
        is_too_long = len(to["name"]) > MAX_NAME or max(len(to["line1"]), len(to["line2"])) > MAX_LINE
        if is_too_long or len(text) > MAX_TEXT:
            return Answer(State.REFUSED, "fields_too_long")
        card = {
            "to": {"name": to["name"], **_parts(to)},
            "front": PAGE.format(FRONT.format(_printed(self._sender.name))),
            "back": PAGE.format(BACK.format(_printed(text))),
            "size": "4x6",
            "use_type": "operational" if content.purpose == "service" else "marketing",
            "metadata": {"message_id": row["message_id"], "campaign": request.campaign},
        }
        body = check_size(self.name, json.dumps(card).encode(), self.max_bytes)
        headers = {**self._sign_in, "Idempotency-Key": request.request_id}
        reply = self._client.post("/v1/postcards", json_body=body, headers=headers)
        settled = reply.unsettled()
        return _read(reply) if settled is None else settled


def _to(fields: Mapping[str, str]) -> dict[str, str]:
    """Take the parts of the address, each on one line; empty where there is none."""
    found = {name: one_line(fields.get(name, "")) for name in (*NEEDED, "line2", "country")}
    names = (one_line(fields.get(part, "")) for part in ("first_name", "last_name"))
    return {
        **found,
        "name": found["name"] or " ".join(filter(None, names)),
        "country": found["country"].upper(),
    }


def _parts(to: Mapping[str, str]) -> dict[str, str]:
    parts = {f"address_{part}": to[part] for part in ("line1", "line2", "city", "state", "zip")}
    return {name: value for name, value in parts.items() if value} | {"address_country": "US"}


def _printed(text: str) -> str:
    """Write text as HTML in which Lob finds no merge variable."""
    escaped = html.escape(text).replace("{", "&#123;").replace("}", "&#125;")
    return "<br>".join(escaped.splitlines())


def _read(reply: Reply) -> Answer:
    """Judge an answer that was read. Its message can hold the address, so only the code leaves."""
    answer = reply.json() or {}
    if reply.is_success:
        card = answer.get("id")
        if isinstance(card, str) and card:
            return Answer(State.ACCEPTED, provider_id=card)
        return reply.unreadable()
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    code = code if isinstance(code, str) and CODE.fullmatch(code) else None
    if reply.status in {401, 403, 404} or code in EVERYBODY:
        return Answer(State.PLANNED, f"lob_{code or reply.status}", is_down=True)
    if reply.status == CONFLICT:  # the same key is under way
        return Answer(State.IN_DOUBT, "lob_409")
    if code is None:
        return reply.unreadable()
    return Answer(State.REFUSED, f"lob_{code}")
