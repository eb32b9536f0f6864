"""SendGrid: its suppression lists, pulled, and the events that its webhook pushed as JSON arrays.

Events and fields: SendGrid, "Event Webhook Reference"; lists: Twilio's OpenAPI document ``tsg_suppressions_v3``.
A bounce of type ``blocked`` is temporary, as is one of a list with an enhanced status ``4.x`` (RFC 3463). Group
unsubscribes count for everything: we send without groups. Nobody is subscribed again by an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from activation import settings
from activation.collect.pages import MAX_BODY, get
from activation.collect.source import Cursor, Document, Pulled, Source, each_line
from activation.connectors.client import Client
from activation.errors import DestinationDownError
from activation.home import Home

LISTS = ("bounces", "blocks", "spam_reports", "unsubscribes", "invalid_emails")
PAGE = 500
OVERLAP_SECONDS = 86_400  # an entry that was under way while the last pull ran is not passed over
HOOK = "webhook"

SQL = """
with records as (
    select number, via, arrived, fault as document_fault, unnest(case
        when fault is not null or not json_valid(text) then [to_json(text)]
        when json_type(text) = 'ARRAY' then from_json(text, '["JSON"]')
        else [text::json]
    end) as record
    from documents
), read as (
    select *,
        json_type(record) = 'OBJECT' as is_object,
        lower(record ->> '$.event') as event_name,
        try_cast(coalesce(record ->> '$.timestamp', record ->> '$.created') as bigint) as seconds,
        nullif(trim(record ->> '$.email'), '') as email,
        nullif(trim(record ->> '$.message_id'), '') as message_id,
        nullif(split_part(record ->> '$.sg_message_id', '.', 1), '') as provider_id,
        coalesce(record ->> '$.status', '') as status,
        lower(coalesce(record ->> '$.reason', '')) as reason
    from records
), named as (
    select *, case
        when via in ('bounces', 'invalid_emails', 'blocks') then 'bounce'
        when via = 'spam_reports' then 'complaint'
        when via = 'unsubscribes' then 'unsubscribe'
        when event_name in ('processed', 'dropped', 'delivered', 'deferred', 'open', 'click', 'bounce')
            then event_name
        when event_name = 'spamreport' then 'complaint'
        when event_name in ('unsubscribe', 'group_unsubscribe') then 'unsubscribe'
    end as event
    from read
)
select
    number,
    record::varchar as record,
    case
        when via <> 'webhook' then via || '|' || lower(email) || '|' || seconds
        else coalesce('event|' || (record ->> '$.sg_event_id'),
            concat_ws('|', event_name, seconds, provider_id, message_id, email, record ->> '$.url'))
    end as event_id,
    message_id,
    provider_id,
    email as contact,
    event,
    case
        when via = 'blocks' then 'soft'
        when via = 'bounces' then case when starts_with(status, '4') then 'soft' else 'hard' end
        when via = 'invalid_emails' then 'hard'
        when event = 'bounce' then case when record ->> '$.type' = 'blocked' then 'soft' else 'hard' end
        when event = 'dropped' then case
            when contains(reason, 'unsubscribed') then 'unsubscribe'
            when contains(reason, 'spam report') then 'complaint'
            when contains(reason, 'bounced') or contains(reason, 'invalid') then 'hard'
            else 'other'
        end
        when event = 'open' and (record ->> '$.sg_machine_open')::varchar = 'true' then 'machine'
    end as detail,
    make_timestamp(seconds * 1000000) as occurred_at,
    case
        when via <> 'webhook' then null
        when event = 'dropped' then 'refused'
        when event is not null then 'accepted'
    end as proof,
    case
        when document_fault is not null then document_fault
        when not is_object then 'is no JSON object'
        when via = 'webhook' and event_name is null then 'names no event'
        when event is null then null
        when seconds is null or seconds not between 946684800 and 4102444800 then 'has no time'
        when email is null and message_id is null and provider_id is null
            then 'names neither a message nor an address'
    end as fault
from named
"""


def pull(home: Home, cursor: Cursor, now: datetime) -> Pulled:
    """Read the suppression lists from the cursor on. Raises ``ConfigurationError`` where SendGrid is not configured."""
    client = Client(settings.connection(home, "SENDGRID"), max_body=MAX_BODY)
    documents: list[Document] = []
    reached = dict(cursor)
    try:
        for name in LISTS:
            latest = int(cursor.get(name, "0"))
            query = {"limit": str(PAGE), "start_time": str(max(0, latest - OVERLAP_SECONDS))}
            for page in _pages(client, name, query):
                documents.append(Document(name, json.dumps(page), now))
                made = [entry.get("created") for entry in page if isinstance(entry, dict)]
                latest = max([latest, *(each for each in made if isinstance(each, int))])
            reached[name] = str(latest)
    except DestinationDownError as error:
        return Pulled(tuple(documents), reached, str(error))
    return Pulled(tuple(documents), reached)


def _pages(client: Client, name: str, query: dict[str, str]) -> Iterator[list[Any]]:
    offset = 0
    while True:
        reply = get(client, "sendgrid", f"/v3/suppression/{name}", {**query, "offset": str(offset)})
        try:
            page = json.loads(reply.body)
        except ValueError:
            page = None
        if not isinstance(page, list):
            raise DestinationDownError(f"sendgrid: the list {name} is no JSON array")
        yield page
        if len(page) < PAGE:
            return
        offset += len(page)


def read(path: Path, arrived: datetime) -> Iterator[Document]:
    """Read one POST of the event webhook, a JSON array, or a ``.jsonl`` of events or of such arrays."""
    if path.suffix.lower() == ".jsonl":
        yield from each_line(path, HOOK, arrived)
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield Document(HOOK, path.read_bytes().decode("utf-8", "backslashreplace"), arrived, "not UTF-8")
        return
    yield Document(HOOK, text, arrived)


SOURCE = Source("sendgrid", "provider.email_events", "email", SQL, pull, read)
