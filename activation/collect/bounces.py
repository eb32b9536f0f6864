"""Bounces and complaints that come back as mail: files of the mailbox behind the bounce address, one message each.

Delivery status notifications by RFC 3464, with enhanced status codes by RFC 3463; complaints of feedback loops in the
Abuse Reporting Format, RFC 5965. Our message is known by its id of 32 hexadecimal digits: in the Message-ID of the
mail that is returned, in the envelope id (RFC 3461), or in the address that the report was sent to (VERP).
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from activation.collect.source import Document, Source

MESSAGE_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
DSN, COMPLAINT = "dsn", "complaint"
LARGEST = 5_000_000  # bytes; a report that returns more of the mail than this is no report
# Where our id is looked for, in the mail that is returned and in the report itself.
RETURNED = ("Message-ID", "X-Muster-Message-Id", "Return-Path", "List-Unsubscribe")
OWN = ("To", "Delivered-To", "X-Original-To", "In-Reply-To", "References")

SQL = """
with read as (
    select *,
        case when fault is null then text::json else to_json(text) end as record
    from (select * from documents)
), named as (
    select *,
        record ->> '$.message_id' as message_id,
        lower(nullif(trim(record ->> '$.recipient'), '')) as contact,
        lower(coalesce(record ->> '$.action', '')) as action,
        coalesce(record ->> '$.status', '') as status,
        try_cast(record ->> '$.at' as timestamp) as stated_at
    from read
), judged as (
    select *, case
        when via = 'complaint' then 'complaint'
        when action = 'failed' then 'bounce'
        when action = 'delayed' then 'deferred'
        when action in ('delivered', 'relayed', 'expanded') then 'delivered'
    end as event
    from named
)
select
    number,
    record::varchar as record,
    concat_ws('|', via, message_id, contact, action, status, record ->> '$.report_id') as event_id,
    message_id,
    null::varchar as provider_id,
    contact,
    event,
    case
        when event = 'bounce' and starts_with(status, '5') then 'hard'
        when event = 'bounce' then 'soft'
    end as detail,
    coalesce(stated_at, arrived) as occurred_at,
    -- A bounce came back because the mail had left.
    case when event is not null then 'accepted' end as proof,
    case
        when fault is not null then fault
        when message_id is null and contact is null then 'names neither a message nor an address'
    end as fault
from judged
"""


def read(path: Path, arrived: datetime) -> Iterator[Document]:
    """Read one report: a document for each person in it; one with a fault where it is no report."""
    content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    report = email.message_from_bytes(content, policy=email.policy.compat32)
    parts = {part.get_content_type(): part for part in report.walk()}
    status = parts.get("message/delivery-status")
    complaint = parts.get("message/feedback-report")
    returned = _returned(parts)
    common = {
        "message_id": _message_id(report, returned, status),
        "report_id": report.get("Message-ID"),
        "at": _moment(report.get("Date")),
    }
    found = False
    for group in _groups(status) if status is not None else ():
        recipient = _address(group.get("Original-Recipient")) or _address(group.get("Final-Recipient"))
        if recipient or group.get("Action"):
            found = True
            kept = {"recipient": recipient, "action": group.get("Action"), "status": group.get("Status")}
            yield Document(
                DSN, json.dumps(common | {name: _plain(value) for name, value in kept.items()}), arrived
            )
    if complaint is not None:
        found = True
        group = _groups(complaint)[0]
        recipient = _address(group.get("Original-Rcpt-To")) or _address(returned.get("To"))
        kind = _plain(group.get("Feedback-Type"))
        kept = {"recipient": recipient, "action": kind, "status": None}
        # "not-spam" is the opposite of a complaint (RFC 6430); what else there is counts as one.
        if (kind or "").strip().lower() != "not-spam":
            yield Document(COMPLAINT, json.dumps(common | kept), arrived)
    if not found:
        text = content[:100_000].decode("utf-8", "backslashreplace")
        yield Document(DSN, text, arrived, "is no delivery status notification and no feedback report")


def _groups(part: Message) -> list[Message]:
    """The groups of fields of a report: Python reads a delivery status so; other types come as one text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        if part.get_content_type() == "message/delivery-status":
            return [group for group in payload if isinstance(group, Message)]
        # A message/* part of another type is read as a message of its own, whose headers are the fields.
        return [group for group in payload if isinstance(group, Message)] or [Message()]
    return [email.message_from_string(str(payload))]


def _returned(parts: dict[str, Message]) -> Message:
    """The mail that is returned, or its headers; without any where the report returns nothing."""
    whole = parts.get("message/rfc822")
    payload = whole.get_payload() if whole is not None else None
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    headers = parts.get("text/rfc822-headers")
    if headers is not None:
        text = headers.get_payload(decode=True)
        return email.message_from_bytes(text if isinstance(text, bytes) else b"")
    return Message()


def _message_id(report: Message, returned: Message, status: Message | None) -> str | None:
    places = [str(returned.get(name) or "") for name in RETURNED]
    for group in _groups(status) if status is not None else ():
        places += [str(group.get(name) or "") for name in ("Original-Envelope-Id", "X-Original-Message-ID")]
    places += [str(report.get(name) or "") for name in OWN]
    for place in places:
        match = MESSAGE_ID.search(place.lower())
        if match:
            return match[0]
    return None


def _address(value: str | None) -> str | None:
    """The address of a typed field such as ``rfc822; <ann@example.com>``; of a type that is no mail's, none."""
    text = str(value or "")
    kind, mark, rest = text.partition(";")
    if mark and kind.strip().lower() not in {"rfc822", "utf-8"}:
        return None
    address = parseaddr(rest if mark else text)[1]
    return address if "@" in address else None


def _plain(value: str | None) -> str | None:
    """The first word of a field; what follows is a comment."""
    words = str(value or "").split()
    return words[0] if words else None


def _moment(text: str | None) -> str | None:
    try:
        moment = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


SOURCE = Source("bounces", "provider.email_events", "email", SQL, read=read)
