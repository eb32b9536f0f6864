"""The erasure register: who was erased, as keyed digests that recognise them and tell nothing.

::

    ledger/erasures/<erasure_id>.parquet        one row per identifier, with when, by whom, why and how much
    ledger/erasures/<erasure_id>.pending.json   an erasure that has not come to its end; holds identifiers until then

It is what keeps an erased person from coming back: landing sets their rows aside, from whatever source they come.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from activation import settings
from activation.clock import naive_utc
from activation.errors import ConfigurationError
from activation.home import Home
from activation.landing.contract import write_parquet
from activation.privacy.identifiers import (
    CUSTOMER,
    DEVICE,
    EMAIL,
    MESSAGE,
    PHONE,
    PROFILE,
    PROVIDER,
    TOKEN,
    keyed,
)

# An order names nobody once its profile is taken out of it: refunds of it may still come.
REGISTERED = frozenset({PROFILE, EMAIL, PHONE, DEVICE, TOKEN, MESSAGE, PROVIDER, CUSTOMER})
KEY, KEY_TEXT = "key", "the key of this register"
SCHEMA = pa.schema(
    [
        ("erasure_id", pa.string()),
        ("kind", pa.string()),
        ("digest", pa.string()),
        ("erased_at", pa.timestamp("us")),
        ("erased_by", pa.string()),
        ("reason", pa.string()),
        ("counts", pa.string()),
    ]
)


@dataclass(frozen=True)
class Entry:
    """One erasure. ``counts`` has rows by what became of them and table, as ``removed crm.profiles``."""

    erasure_id: str
    erased_at: datetime
    erased_by: str
    reason: str
    counts: Mapping[str, int]


def folder(home: Home) -> Path:
    """Where the register lies."""
    return home.ledger / "erasures"


def write_entry(home: Home, entry: Entry, known: Iterable[tuple[str, str]]) -> None:
    """Write an erasure with the digests of all identifiers by (kind, value); the same entry again is the same file."""
    key = settings.pepper(home)
    texts = {(kind, keyed(kind, value)) for kind, value in known if kind in REGISTERED} | {(KEY, KEY_TEXT)}
    rows = [
        {
            "erasure_id": entry.erasure_id,
            "kind": kind,
            "digest": _digest(key, text),
            "erased_at": naive_utc(entry.erased_at),
            "erased_by": entry.erased_by,
            "reason": entry.reason,
            "counts": json.dumps(dict(entry.counts)),
        }
        for kind, text in sorted(texts)
    ]
    write_parquet(folder(home) / f"{entry.erasure_id}.parquet", pa.Table.from_pylist(rows, SCHEMA))


def read_register(home: Home) -> pa.Table | None:
    """All rows of the register; None where nobody was ever erased.

    Raises ``ConfigurationError`` where a file is damaged, or the home's pepper is not the one of the register:
    then nobody in it would be recognised.
    """
    files = sorted(folder(home).glob("*.parquet"))
    if not files:
        return None
    try:
        table = pa.concat_tables([pq.read_table(file, schema=SCHEMA) for file in files])
    except (OSError, pa.ArrowException):
        raise ConfigurationError(
            f"the erasure register in {folder(home)} cannot be read: restore it from a backup; until then nothing "
            "lands, as those who were erased could come back"
        ) from None
    checks = {row["digest"] for row in table.to_pylist() if row["kind"] == KEY}
    if checks != {_digest(settings.pepper(home), KEY_TEXT)}:
        raise ConfigurationError(
            "MUSTER_PEPPER is not the one that the erasure register was written with: set it back, or those who "
            "were erased would not be recognised"
        )
    return table


def entry_of(home: Home, kind: str, value: str) -> tuple[str, datetime] | None:
    """The id and time of the latest erasure of whoever had this identifier; None where there is none."""
    register = read_register(home)
    if register is None:
        return None
    digest = _digest(settings.pepper(home), keyed(kind, value))
    found = [row for row in register.to_pylist() if row["kind"] == kind and row["digest"] == digest]
    latest = max(found, key=lambda row: row["erased_at"], default=None)
    return None if latest is None else (latest["erasure_id"], latest["erased_at"])


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
