"""Where addresses of a seed list found a message: a CSV file that the service, or whoever looks, writes.

Columns: ``email`` (the seed address), ``placement`` and ``occurred_at`` are needed; ``message_id`` or ``provider_id``
names the message, ``mailbox_provider`` who runs the mailbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from activation.clock import naive_utc, parse_moment
from activation.collect.source import Document, Source
from activation.errors import ConfigurationError, LandingError
from activation.landing.text import FAULTS, read_csv

VIA = "csv"

SQL = """
with read as (
    select *,
        case when fault is null then text::json else to_json(text) end as record
    from (select number, via, text, arrived, fault from documents)
), named as (
    select *,
        lower(trim(record ->> '$.placement')) as placement,
        lower(nullif(trim(record ->> '$.email'), '')) as contact,
        nullif(trim(record ->> '$.message_id'), '') as message_id,
        nullif(trim(record ->> '$.provider_id'), '') as provider_id,
        try_cast(record ->> '$.occurred_at' as timestamp) as stated_at
    from read
), judged as (
    select *, case
        when placement in ('inbox', 'primary', 'promotions', 'tabs', 'tab', 'focused', 'other') then 'inbox'
        when placement in ('spam', 'junk', 'bulk') then 'spam'
        when placement in ('missing', 'not received', 'not delivered', 'none') then 'missing'
    end as event
    from named
)
select
    number,
    record::varchar as record,
    concat_ws('|', contact, message_id, provider_id, event, stated_at) as event_id,
    message_id,
    provider_id,
    contact,
    event,
    nullif(lower(trim(record ->> '$.mailbox_provider')), '') as detail,
    stated_at as occurred_at,
    null::varchar as proof,
    case
        when fault is not null then fault
        when event is null then 'names no placement: inbox, spam or missing'
        when stated_at is null then 'has no time'
        when contact is null then 'names no seed address'
    end as fault
from judged
"""


def read(path: Path, arrived: datetime) -> Iterator[Document]:
    """Read a file of results, a document for each line."""
    try:
        header, records = read_csv(path)
    except LandingError as error:
        yield Document(
            VIA, path.read_bytes()[:100_000].decode("utf-8", "backslashreplace"), arrived, str(error)
        )
        return
    names = [name.strip().lower() for name in header]
    for record in records:
        if record.fault:
            yield Document(VIA, record.text, arrived, FAULTS[record.fault])
        else:
            row = dict(zip(names, record.values, strict=True))
            row["occurred_at"] = _utc(row.get("occurred_at", ""))
            yield Document(VIA, json.dumps(row), arrived)


def _utc(text: str) -> str:
    try:
        return naive_utc(parse_moment(text.strip())).isoformat(sep=" ")
    except ConfigurationError:
        return ""


SOURCE = Source("seeds", "provider.inbox_placement", "email", SQL, read=read)
