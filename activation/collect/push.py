"""Push: receipts of the tickets that a service gave, and tokens that it refused at the door.

Expo keeps a receipt for a day and says in it what the device's own service answered (Expo, "Push receipts"). A device
that is not registered any more must not be written to: its token goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from activation.clock import naive_utc
from activation.collect.refusals import Ticket, refused, tickets
from activation.collect.source import Cursor, Document, Pulled, Source, each_line
from activation.connectors.expo import Expo, Receipt
from activation.connectors.registry import connector
from activation.errors import ConfigurationError, DestinationDownError
from activation.home import Home

EXPO = Expo.name
KEPT = timedelta(hours=24)
GONE = ("expo_DeviceNotRegistered", "fcm_UNREGISTERED")
VIA = "push"

SQL = """
with read as (
    select *, case when fault is null and json_valid(text) then text::json else to_json(text) end as record
    from (select number, via, text, arrived, fault from documents)
), named as (
    select *,
        json_type(record) = 'OBJECT' as is_object,
        nullif(trim(record ->> '$.message_id'), '') as message_id,
        nullif(trim(record ->> '$.provider_id'), '') as provider_id,
        nullif(trim(record ->> '$.push_token'), '') as contact,
        case lower(record ->> '$.event')
            when 'ok' then 'delivered'
            when 'delivered' then 'delivered'
            when 'open' then 'open'
            when 'failed' then 'failed'
            when 'unregistered' then 'unregistered'
        end as event,
        coalesce(try_cast(record ->> '$.at' as timestamp), arrived) as occurred_at
    from read
)
select
    number,
    record::varchar as record,
    concat_ws('|', provider_id, message_id, contact, event) as event_id,
    message_id,
    provider_id,
    contact,
    event,
    nullif(record ->> '$.detail', '') as detail,
    occurred_at,
    case when event in ('delivered', 'open') then 'accepted' end as proof,
    case
        when fault is not null then fault
        when not is_object then 'is no JSON object'
        when event is null then 'names no event'
        when coalesce(message_id, provider_id, contact) is null then 'names neither a message nor a token'
    end as fault
from named
"""


def pull(home: Home, cursor: Cursor, now: datetime) -> Pulled:
    """Take the refusals of the ledger, and ask for the receipts of the last day's tickets."""
    del cursor
    documents = [
        Document(
            VIA,
            json.dumps(
                {"message_id": each.message_id, "push_token": each.address, "event": "unregistered",
                 "detail": each.reason, "at": each.at}
            ),
            now,
        )
        for each in refused(home, GONE)
    ]  # fmt: skip
    waiting = tickets(home, EXPO, now - KEPT)
    try:
        service = connector(home, EXPO) if waiting else None
        if isinstance(service, Expo):
            by_id = {ticket.provider_id: ticket for ticket in waiting}
            documents += [
                Document(VIA, json.dumps(_told(by_id[receipt.provider_id], receipt, now)), now)
                for receipt in service.receipts(list(by_id))
                if receipt.provider_id in by_id
            ]
    except (DestinationDownError, ConfigurationError) as error:
        return Pulled(tuple(documents), {}, str(error))
    return Pulled(tuple(documents))


def _told(ticket: Ticket, receipt: Receipt, now: datetime) -> dict[str, str]:
    is_gone = not receipt.is_delivered and f"expo_{receipt.reason}" in GONE
    return {
        "provider_id": ticket.provider_id,
        "message_id": ticket.message_id,
        "push_token": ticket.address,
        "event": "delivered" if receipt.is_delivered else "unregistered" if is_gone else "failed",
        "detail": f"expo_{receipt.reason}" if receipt.reason else "",
        "at": naive_utc(now).isoformat(sep=" "),
    }


def read(path: Path, arrived: datetime) -> Iterator[Document]:
    """Read events that an app or a gateway pushed: JSON lines of message_id, push_token, event, detail, at."""
    return each_line(path, VIA, arrived)


SOURCE = Source("push", "provider.push_events", "push_token", SQL, pull, read)
