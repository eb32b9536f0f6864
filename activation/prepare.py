"""Turn claimed rows into what a connector takes, from the frozen Parquet and in Arrow only."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from activation.claims import Claim
from activation.content import unsubscribe_urls
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, Kind, read_parts
from activation.journal_tables import position_of
from activation.keys import PEPPER_KEY_ID
from activation.settings import Sender
from activation.streams import Page, Stream
from activation.types import Content, Operation, Request

COLUMNS = {
    Kind.MESSAGE: "position, message_id, customer_id, address, fields",
    Kind.MEMBERSHIP: "position, change_id as message_id, customer_id, email, phone, external_id",
}


def content_of(stream: Stream, contents: Mapping[str, Content]) -> Content | None:
    """The template that the freeze chose; memberships have none, nor have messages that are their fields alone.

    Raises ``ConfigurationError`` where it is gone, or says something else since: what was decided, guarded
    and approved is what leaves.
    """
    if not stream.template:
        return None
    content = contents.get(stream.template)
    if content is None:
        raise ConfigurationError(
            f"{stream.campaign}: there is no template {stream.template}; put it back under templates/"
        )
    if content.version != stream.message_version:
        raise ConfigurationError(
            f"{stream.campaign}: template {stream.template} changed after the freeze (frozen "
            f"{stream.message_version}, now {content.version}): restore it, or plan a new run"
        )
    return content


def load_page(
    engine: duckdb.DuckDBPyConnection, run: FrozenRun, page: Page, sender: Sender, pepper: bytes
) -> pa.Table:
    """The rows of a page as :class:`activation.types.Request` describes them, in the page's order."""
    kind = page.stream.kind
    parts = [(position_of(first), position_of(last)) for first, last in page.parts]
    rows = read_parts(engine, run, kind, parts, COLUMNS[kind])
    if kind is Kind.MEMBERSHIP:
        return rows
    if page.stream.channel == "email":
        keys = sender.unsubscribe_keys
        key, key_id = (keys.key, keys.key_id) if keys else (pepper, PEPPER_KEY_ID)
        urls = unsubscribe_urls(sender.unsubscribe_url, rows["message_id"], key, key_id)
    else:
        urls = pa.nulls(rows.num_rows, pa.string())
    return rows.append_column("unsubscribe_url", urls)


def request_of(stream: Stream, claimed: Claim, content: Content | None, rows: pa.Table) -> Request:
    """What the connector gets."""
    return Request(
        request_id=claimed.request_id,
        campaign=stream.campaign,
        slot=stream.slot,
        step=stream.step,
        operation=Operation(stream.operation),
        audience=stream.audience or None,
        content=content,
        rows=rows,
    )
