"""Unsubscribe links: opaque signed tokens, and what happens when somebody follows one.

A token is urlsafe base64, unpadded, of HMAC-SHA256(key, payload) followed by the payload, ``<key id>:<message id>``. It
names no person, cannot be forged and does not expire: it is good for as long as its key is kept, which the law of
some countries asks to be 60 days at least. Only a POST acts (RFC 8058): scanners and previews follow links by GET.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hmac
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import duckdb
import pyarrow as pa

from activation.clock import naive_utc
from activation.errors import HeldError
from activation.frozen import connect
from activation.home import Home, write_atomically

MAX_TOKEN_CHARACTERS = 512
DIGEST_BYTES = 32
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Constant-time comparison needs some key where the key id is unknown.
_NO_KEY = b"\0" * DIGEST_BYTES


class Outcome(StrEnum):
    """What became of a call."""

    ASKED = "asked"  # a GET: nothing was done, the person is asked to confirm
    DONE = "done"
    INVALID = "invalid"  # not a token of ours
    NOT_ALLOWED = "not_allowed"  # another method


@dataclass(frozen=True)
class Recipient:
    """To whom a message went."""

    channel: str
    address: str


def unsubscribe_url(base: str, message_id: str, key: bytes, key_id: str) -> str:
    """Sign the link that takes one person off, for ``List-Unsubscribe`` (RFC 8058) and the message itself."""
    payload = f"{key_id}:{message_id}".encode()
    signed = hmac.digest(key, payload, "sha256") + payload
    token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    return f"{base}{'&' if '?' in base else '?'}token={token}"


def unsubscribe_urls(base: str, message_ids: pa.ChunkedArray, key: bytes, key_id: str) -> pa.Array:
    """:func:`unsubscribe_url` for a column of message ids, in the same order."""
    urls = [unsubscribe_url(base, message_id, key, key_id) for message_id in message_ids.to_pylist()]
    return pa.array(urls, type=pa.string())


def verify_token(token: str, keys: Mapping[str, bytes]) -> str | None:
    """The message id that a token was signed for by one of ``keys`` (by key id); None where it was by none."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        payload = signed[DIGEST_BYTES:].decode("ascii")
    except (binascii.Error, ValueError):
        return None
    key_id, _, message_id = payload.partition(":")
    key = keys.get(key_id)
    expected = hmac.digest(key or _NO_KEY, payload.encode(), "sha256")
    is_ours = hmac.compare_digest(signed[:DIGEST_BYTES], expected) and key is not None
    return message_id if is_ours and MESSAGE_ID.fullmatch(message_id) else None


def handle_unsubscribe(
    method: str, token: str, *, home: Home, keys: Mapping[str, bytes], now: datetime
) -> Outcome:
    """Act on a call of an unsubscribe link: a POST puts the withdrawal into the inbox, a GET changes nothing.

    The withdrawal is an event of ``consent.events`` for the address and channel of the message; where the message
    is in no frozen run any more, one of ``provider.email_events`` for its id, so that no wish is lost. The same call
    again is the same wish again. Raises ``HeldError`` where the frozen runs cannot be read, or the disk cannot be
    written: whoever serves this answers with an error, and mailboxes try again.
    """
    if method not in {"GET", "HEAD", "POST"}:
        return Outcome.NOT_ALLOWED
    message_id = verify_token(token, keys)
    if message_id is None:
        return Outcome.INVALID
    if method != "POST":
        return Outcome.ASKED
    recipient = _recipient(home, message_id)
    moment = naive_utc(now).isoformat(sep=" ", timespec="microseconds")
    if recipient is None:
        table = "provider/email_events"
        row = {"message_id": message_id, "event": "unsubscribe", "occurred_at": moment}
    else:
        table = "consent/events"
        column = "email" if recipient.channel == "email" else "phone"
        row = {column: recipient.address, "channel": recipient.channel, "purpose": "marketing"}
        row |= {"state": "withdrawn", "occurred_at": moment, "proof": f"unsubscribe link of {message_id}"}
    file = home.inbox / table / f"unsubscribe-{message_id}-{naive_utc(now):%Y%m%dT%H%M%S%f}.csv"
    try:
        write_atomically(file, _csv(row))
    except OSError as error:
        raise HeldError(f"an unsubscribe could not be written to the inbox ({error.strerror})") from None
    return Outcome.DONE


def _recipient(home: Home, message_id: str) -> Recipient | None:
    files = sorted((home.ledger / "runs").glob("*/frozen/outbox_messages.parquet"), reverse=True)
    if not files:
        return None
    try:
        with connect(home.ledger / "runs") as engine:
            found = engine.execute(
                "select channel, address from read_parquet($files, union_by_name = true) "
                "where message_id = $id and channel in ('email', 'sms') limit 1",
                {"files": [str(file) for file in files], "id": message_id},
            ).fetchone()
    except duckdb.Error as error:
        raise HeldError(
            f"an unsubscribe could not be matched: a frozen run cannot be read ({type(error).__name__})"
        ) from None
    return Recipient(str(found[0]), str(found[1])) if found and found[1] else None


def _csv(row: Mapping[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue().encode()
