"""What happens to people after a twin accepted them: bounces, complaints, opens, a STOP, a purchase.

Who is met follows from the message id alone, so a rehearsal repeats. Events are pushed as the vendors push them, into
``feedback/`` of the home, and can be pulled from the twins; ``sandbox/events.jsonl`` has them all. A ``conversion`` is
an order in the inbox.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import duckdb

from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.sandbox.calls import Call, Response, Twin, encoded

Line = dict[str, Any]
SENDGRID, TWILIO = "sendgrid", "twilio"
# By kind: what SendGrid's webhook calls it, and which list the address is on from then.
MAIL = {
    "processed": ("processed", None),
    "delivered": ("delivered", None),
    "open": ("open", None),
    "click": ("click", None),
    "bounce": ("bounce", "bounces"),
    "complaint": ("spamreport", "spam_reports"),
    "unsubscribe": ("unsubscribe", "unsubscribes"),
}
TEXTS = {"sent": "sent", "delivered": "delivered", "undelivered": "undelivered", "stop": None}
CONVERSION = "conversion"
POSSIBLE = {SENDGRID: {*MAIL, CONVERSION}, TWILIO: {*TEXTS, CONVERSION}}
KINDS = (*dict.fromkeys([*MAIL, *TEXTS, CONVERSION]),)
LISTS = ("bounces", "blocks", "spam_reports", "unsubscribes", "invalid_emails")
ORDER_AMOUNT = "25.00"
FULL_CIRCLE = 1 << 32


def emit(home: Home, shares: Mapping[str, float], at: datetime) -> dict[str, int]:
    """Let so large a share of the messages accepted so far meet an event of each kind; a message meets it once.

    ``shares`` are from 0 to 1 by kind. Gives how many events there were of each. Raises ``ConfigurationError`` for
    a kind that is not known.
    """
    unknown = sorted(set(shares) - set(KINDS))
    if unknown:
        raise ConfigurationError(f"no event is called {unknown[0]!r}; there are: {', '.join(KINDS)}")
    met = {(line["kind"], line["message_id"], line["address"]) for line in _lines(home, "events")}
    happened: list[Line] = []
    for kind, share in shares.items():
        for person in _lines(home, "accepted"):
            key = (kind, person.get("message_id"), person.get("address"))
            is_possible = kind in POSSIBLE.get(person["destination"], ())
            if is_possible and key not in met and _draw(kind, person) < share:
                met.add(key)
                happened.append({**person, "kind": kind, "at": at.isoformat()})
    known = (home.sandbox / "events.jsonl").read_bytes() if (home.sandbox / "events.jsonl").exists() else b""
    write_atomically(home.sandbox / "events.jsonl", known + _jsonl(happened))
    _push(home, happened, at)
    return dict(Counter(line["kind"] for line in happened))


def reporting(twin: Twin) -> Callable[[Home, str], Twin]:
    """Make a twin that can also be asked what happened."""

    def make(home: Home, name: str) -> Twin:
        pulls = {SENDGRID: _lists, TWILIO: _messages}[name]

        def answer(call: Call) -> Response:
            is_read = call.method == "GET" and bool(call.bearer if name == SENDGRID else all(call.basic))
            return (pulls(home, call) if is_read else None) or twin.answer(call)

        return Twin(answer, twin.error)

    return make


def _draw(kind: str, person: Line) -> float:
    text = f"{kind}|{person.get('message_id') or person.get('address')}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / FULL_CIRCLE


def _push(home: Home, happened: list[Line], at: datetime) -> None:
    name = f"{at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    mails = [line for line in happened if line["destination"] == SENDGRID and line["kind"] in MAIL]
    texts = [line for line in happened if line["destination"] == TWILIO and line["kind"] in TEXTS]
    if mails:
        body = json.dumps([_mail_event(line, at) for line in mails]).encode()
        write_atomically(home.path / "feedback" / SENDGRID / f"{name}.json", body)
    if texts:
        body = "".join(f"{_text_event(line)}\n" for line in texts).encode()
        write_atomically(home.path / "feedback" / TWILIO / f"{name}.txt", body)
    buyers = _profiles(home, [line for line in happened if line["kind"] == CONVERSION])
    if buyers:
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(
            ["order_id", "profile_id", "ordered_at", "status", "currency", "gross_amount", "discount_amount"]
        )
        for order, profile in buyers:
            rows.writerow([order, profile, f"{at:%Y-%m-%dT%H:%M:%S}", "completed", "USD", ORDER_AMOUNT, "0"])
        write_atomically(home.inbox / "shop" / "orders" / f"sandbox-{name}.csv", text.getvalue().encode())


def _mail_event(line: Line, at: datetime) -> Line:
    kind = line["kind"]
    event: Line = {
        "email": line["address"],
        "timestamp": int(at.timestamp()),
        "event": MAIL[kind][0],
        "sg_event_id": _id(line, "event"),
        "sg_message_id": f"{_id(line, 'mail')}.recvd-0",
        "message_id": line.get("message_id"),
        "campaign": line.get("campaign"),
        "category": [line.get("campaign")],
    }
    bounced = {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"}
    return event | (bounced if kind == "bounce" else {})


def _text_event(line: Line) -> str:
    if line["kind"] == "stop":
        return urlencode(
            {"MessageSid": _id(line, "SM"), "From": line["address"], "Body": "STOP", "NumMedia": "0"}
        )
    form = {"message_id": line.get("message_id"), "campaign": line.get("campaign")}
    sid, status = line.get("provider_id") or _id(line, "SM"), TEXTS[line["kind"]]
    failed = {"ErrorCode": "30003"} if status == "undelivered" else {}
    return urlencode(form | {"MessageSid": sid, "MessageStatus": status, "To": line["address"]} | failed)


def _id(line: Line, prefix: str) -> str:
    text = f"{prefix}|{line['kind']}|{line.get('message_id')}|{line['address']}"
    return f"{prefix if prefix == 'SM' else ''}{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _profiles(home: Home, lines: list[Line]) -> list[tuple[str, str]]:
    """An order for each buyer whom the landing zone knows by address."""
    files = str(home.landing / "crm" / "profiles" / "*.parquet")
    addresses = sorted({str(line["address"]) for line in lines})
    if not addresses or not any((home.landing / "crm" / "profiles").glob("*.parquet")):
        return []
    with duckdb.connect() as engine:
        found = engine.execute(
            "select asked, min(profile_id) from (select unnest(?) as asked) inner join read_parquet(?) "
            "on asked in (email_normalised, phone_e164) group by asked order by asked",
            [addresses, files],
        ).fetchall()
    return [
        (f"sandbox-{hashlib.sha256(address.encode()).hexdigest()[:16]}", profile)
        for address, profile in found
    ]


def _lists(home: Home, call: Call) -> Response | None:
    """SendGrid's suppression lists, paged by limit and offset."""
    _, _, name = call.path.partition("/v3/suppression/")
    if name not in LISTS:
        return None
    start = int(call.query.get("start_time", "0"))
    limit, offset = int(call.query.get("limit", "500")), int(call.query.get("offset", "0"))
    found = [
        {"created": created, "email": line["address"], "status": "5.1.1", "reason": "550 5.1.1 no such user"}
        for line in _lines(home, "events")
        if line["destination"] == SENDGRID
        and MAIL.get(line["kind"], ("", None))[1] == name
        and (created := int(datetime.fromisoformat(line["at"]).timestamp())) >= start
    ]
    return encoded(200, found[offset : offset + limit])


def _messages(home: Home, call: Call) -> Response | None:
    """Twilio's messages, sent and received, paged by ``next_page_uri``."""
    if not call.path.endswith("/Messages.json"):
        return None
    events = [line for line in _lines(home, "events") if line["destination"] == TWILIO]
    failed = {line.get("message_id") for line in events if line["kind"] == "undelivered"}
    messages = [
        _message(
            line,
            line.get("provider_id"),
            status="undelivered" if line.get("message_id") in failed else "sent",
        )
        for line in _lines(home, "accepted")
        if line["destination"] == TWILIO
    ] + [_message(line, _id(line, "SM"), status="received") for line in events if line["kind"] == "stop"]
    since = call.query.get("DateSent>", "")
    messages = [message for message in messages if message.pop("day") >= since]
    size, page = int(call.query.get("PageSize", "50")), int(call.query.get("Page", "0"))
    following = urlencode({**call.query, "Page": str(page + 1)})
    has_more = len(messages) > (page + 1) * size
    return encoded(
        200,
        {
            "messages": messages[page * size : (page + 1) * size],
            "next_page_uri": f"{call.path}?{following}" if has_more else None,
            "page": page,
            "page_size": size,
        },
    )


def _message(line: Line, sid: str | None, *, status: str) -> Line:
    moment = datetime.fromisoformat(line["at"])
    is_inbound = status == "received"
    return {
        "sid": sid,
        "direction": "inbound" if is_inbound else "outbound-api",
        "status": status,
        "from": line["address"] if is_inbound else None,
        "to": None if is_inbound else line["address"],
        "body": "STOP" if is_inbound else "",
        "error_code": 30003 if status == "undelivered" else None,
        "date_sent": format_datetime(moment),
        "day": f"{moment:%Y-%m-%d}",
    }


def _lines(home: Home, name: str) -> Iterable[Line]:
    file = home.sandbox / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _jsonl(lines: Iterable[Line]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
