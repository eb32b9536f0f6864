"""Twilio: the account's messages, pulled, and the forms that it pushed: status callbacks and inbound texts.

Fields and statuses: Twilio's OpenAPI document ``twilio_api_v2010``; words of opt-out: Twilio, "Support for opt-out
keywords". A line of a pushed file is the query of the callback's URL and the body, joined by ``&``: the query names
our message. A callback states no time, so it counts from when its file came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from activation import settings
from activation.collect.pages import MAX_BODY, get
from activation.collect.refusals import refused
from activation.collect.source import Cursor, Document, Pulled, Source, each_line
from activation.connectors.client import Auth, Client
from activation.errors import DestinationDownError
from activation.home import Home

PAGE = 500
MAX_PAGES = 20_000
OVERLAP = timedelta(days=3)  # Twilio gives up on a message within two days, so its status is final then
FIRST_DAYS = timedelta(days=30)
STATUS, INBOUND = "status", "inbound"
OPTED_OUT = 21610  # refused, because the number has said STOP

SQL = """
with records as (
    select number, via, arrived, fault as document_fault,
        case when fault is null and json_valid(text) then text::json else to_json(text) end as record
    from documents
), read as (
    select *,
        json_type(record) = 'OBJECT' as is_object,
        nullif(record ->> '$.sid', '') as sid,
        lower(record ->> '$.status') as status,
        try_cast(record ->> '$.error_code' as integer) as code,
        nullif(trim(record ->> '$.message_id'), '') as message_id,
        nullif(trim(case when via = 'inbound' then record ->> '$.from' else record ->> '$.to' end), '') as phone,
        upper(regexp_replace(coalesce(record ->> '$.opt_out_type', record ->> '$.body', ''), '[^A-Za-z ]', '', 'g'))
            as words,
        coalesce(try_cast(record ->> '$.at' as timestamp), arrived) as occurred_at
    from records
), named as (
    select *, case
        when via = 'inbound' then case
            when trim(words) in ('CANCEL', 'END') then 'stop'
            when split_part(trim(words), ' ', 1) in
                ('STOP', 'STOPALL', 'UNSUBSCRIBE', 'QUIT', 'REVOKE', 'OPTOUT') then 'stop'
            when trim(words) in ('START', 'UNSTOP', 'YES') then 'start'
        end
        when code = 21610 then 'stop'
        when status in ('accepted', 'scheduled', 'queued', 'sending', 'sent') then 'sent'
        when status in ('delivered', 'read') then 'delivered'
        when status in ('undelivered', 'failed') then status
        when status = 'canceled' then 'failed'
    end as event
    from read
)
select
    number,
    record::varchar as record,
    sid || '|' || coalesce(event, '') as event_id,
    message_id,
    sid as provider_id,
    phone as contact,
    event,
    case
        when via = 'inbound' then 'inbound'
        when code is not null then 'twilio_' || code
        else status
    end as detail,
    occurred_at,
    case
        when via = 'inbound' then null
        when code = 21610 then 'refused'
        when event in ('sent', 'delivered', 'undelivered', 'failed') then 'accepted'
    end as proof,
    case
        when document_fault is not null then document_fault
        when not is_object then 'is no form and no JSON object'
        when via = 'status' and status is null then 'names no status'
        when event is null then null
        when sid is null then 'names no message of Twilio'
        when phone is null and message_id is null then 'names neither a message nor a number'
    end as fault
from named
"""


def pull(home: Home, cursor: Cursor, now: datetime) -> Pulled:
    """Read the messages sent and received since the cursor's day, less three days.

    Raises ``ConfigurationError`` where Twilio is not configured.
    """
    connection = settings.connection(home, "TWILIO")
    client = Client(connection, Auth.BASIC, max_body=MAX_BODY)
    since = date.fromisoformat(cursor["day"]) - OVERLAP if "day" in cursor else (now - FIRST_DAYS).date()
    path = f"/2010-04-01/Accounts/{quote(connection.username or '', safe='')}/Messages.json"
    query = {"DateSent>": since.isoformat(), "PageSize": str(PAGE)}
    documents = [
        Document(
            STATUS,
            json.dumps(
                {"sid": each.message_id, "status": "failed", "error_code": OPTED_OUT, "to": each.address,
                 "message_id": each.message_id, "at": each.at}
            ),
            now,
        )
        for each in refused(home, (f"twilio_{OPTED_OUT}",))
    ]  # fmt: skip
    reached = {"day": now.date().isoformat()}
    try:
        for _ in range(MAX_PAGES):
            page = get(client, "twilio", path, query).json() or {}
            messages = page.get("messages")
            if not isinstance(messages, list):
                raise DestinationDownError("twilio: a page of messages holds no list of them")  # noqa: TRY301
            documents += [_message(entry, now) for entry in messages]
            following = page.get("next_page_uri")
            if not following:
                return Pulled(tuple(documents), reached)
            parts = urlsplit(str(following))
            path, query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))
    except DestinationDownError as error:
        return Pulled(tuple(documents), cursor, str(error))
    return Pulled(tuple(documents), cursor, f"twilio: more than {MAX_PAGES} pages of messages")


def _message(entry: Any, now: datetime) -> Document:
    """Keep of a message what is read; its text only where somebody sent it to us."""
    if not isinstance(entry, dict):
        return Document(STATUS, json.dumps(entry), now)
    is_inbound = entry.get("direction") == "inbound"
    kept = {name: entry.get(name) for name in ("sid", "status", "error_code", "from", "to")}
    if is_inbound:
        kept["body"] = entry.get("body")
    kept["at"] = _moment(entry.get("date_sent") or entry.get("date_updated") or entry.get("date_created"))
    return Document(INBOUND if is_inbound else STATUS, json.dumps(kept), now)


def _moment(text: Any) -> str | None:
    """RFC 2822 as SQL reads it, in UTC."""
    try:
        moment = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def read(path: Path, arrived: datetime) -> Iterator[Document]:
    """Read pushed forms, one on each line."""
    for line in each_line(path, STATUS, arrived):
        yield line if line.fault else _form(line)


def _form(line: Document) -> Document:
    pairs = dict(parse_qsl(line.text.lstrip("?"), keep_blank_values=True))
    if not ({"MessageSid", "SmsSid"} & set(pairs)):
        return Document(STATUS, line.text, line.arrived, "is no form of Twilio")
    is_inbound = "MessageStatus" not in pairs and ("Body" in pairs or "OptOutType" in pairs)
    kept = {
        "sid": pairs.get("MessageSid") or pairs.get("SmsSid"),
        "status": pairs.get("MessageStatus"),
        "error_code": pairs.get("ErrorCode"),
        "from": pairs.get("From"),
        "to": pairs.get("To"),
        "message_id": pairs.get("message_id"),
        "body": pairs.get("Body") if is_inbound else None,
        "opt_out_type": pairs.get("OptOutType"),
    }
    return Document(INBOUND if is_inbound else STATUS, json.dumps(kept), line.arrived)


SOURCE = Source("twilio", "provider.sms_events", "phone", SQL, pull, read)
