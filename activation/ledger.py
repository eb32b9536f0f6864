"""The ledger: the append-only record of frozen runs, receipts, approvals and releases.

::

    ledger/runs/<run_id>/request.json     what the run was asked for, on disk before anything else
    ledger/runs/<run_id>/frozen/          decisions, outboxes, reservations, maps, with manifest.json
    ledger/runs/<run_id>/approvals/       one file per approval or refusal by a person
    ledger/receipts/                      what became of each message
    ledger/membership_receipts/           what became of each change of a set
    ledger/releases/                      reservations given back before any attempt
    ledger/removal_approvals/             how many people may leave a set in the campaign's next run

A zero-row schema file stands beside each kind of Parquet, so that an absent table reads as an empty one and
a column that receipts of an earlier version lack reads as null.
"""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from activation.home import Home, write_atomically

_MOMENT = pa.timestamp("us")
_STAMPS = [("run_id", pa.string()), ("as_of", _MOMENT), ("known_at", _MOMENT)]

RECEIPTS = pa.schema(
    [
        *_STAMPS,
        ("message_id", pa.string()),
        ("campaign", pa.string()),
        ("slot", pa.string()),
        ("step", pa.int32()),
        ("channel", pa.string()),
        ("destination", pa.string()),
        ("customer_id", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("request_id", pa.string()),
        ("provider_id", pa.string()),
        ("attempted_at", _MOMENT),
    ]
)
MEMBERSHIP_RECEIPTS = pa.schema(
    [
        *_STAMPS,
        ("change_id", pa.string()),
        ("campaign", pa.string()),
        ("slot", pa.string()),
        ("audience", pa.string()),
        ("destination", pa.string()),
        ("customer_id", pa.string()),
        ("operation", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
        ("external_id", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("request_id", pa.string()),
        ("provider_id", pa.string()),
        ("attempted_at", _MOMENT),
    ]
)
RELEASES = pa.schema([*_STAMPS, ("campaign", pa.string()), ("reason", pa.string())])
REMOVAL_APPROVALS = pa.schema(
    [
        *_STAMPS,
        ("campaign", pa.string()),
        ("destination", pa.string()),
        ("audience", pa.string()),
        ("up_to", pa.int64()),
    ]
)

# What the build reads back of the frozen runs; the engine writes them with these columns, of the decisions with more.
FROZEN = {
    "decisions": pa.schema(
        [
            ("message_id", pa.string()),
            ("campaign", pa.string()),
            ("slot", pa.string()),
            ("customer_id", pa.string()),
            ("verdict", pa.string()),
            ("reason", pa.string()),
            ("channel", pa.string()),
            ("destination", pa.string()),
            ("purpose", pa.string()),
            ("template", pa.string()),
            ("message_version", pa.string()),
            ("variant", pa.string()),
            ("offer", pa.string()),
            ("market", pa.string()),
            ("step", pa.int32()),
            ("send_not_before", _MOMENT),
            *_STAMPS,
        ]
    ),
    "reservations": pa.schema(
        [
            ("message_id", pa.string()),
            ("campaign", pa.string()),
            ("slot", pa.string()),
            ("customer_id", pa.string()),
            ("channel", pa.string()),
            ("purpose", pa.string()),
            ("cap_class", pa.string()),
            ("step", pa.int32()),
            ("planned_at", _MOMENT),
            ("expires_at", _MOMENT),
            *_STAMPS,
        ]
    ),
    "outbox_messages": pa.schema(
        [
            ("message_id", pa.string()),
            ("campaign", pa.string()),
            ("customer_id", pa.string()),
            ("channel", pa.string()),
            ("address", pa.string()),
            *_STAMPS,
        ]
    ),
    "profile_customers": pa.schema(
        [
            ("profile_id", pa.string()),
            ("customer_id", pa.string()),
            ("email_normalised", pa.string()),
            ("phone_e164", pa.string()),
            *_STAMPS,
        ]
    ),
    "volume_claims": pa.schema(
        [
            ("campaign", pa.string()),
            ("cut_number", pa.int32()),
            ("signup_id", pa.string()),
            ("customer_id", pa.string()),
            *_STAMPS,
        ]
    ),
    "audiences": pa.schema(
        [
            ("audience", pa.string()),
            ("customer_id", pa.string()),
            ("qualified_by", pa.string()),
            ("qualified_at", _MOMENT),
            *_STAMPS,
        ]
    ),
    "campaign_sizes": pa.schema(
        [
            ("campaign", pa.string()),
            ("slot", pa.string()),
            ("people_considered", pa.int64()),
            ("people_eligible", pa.int64()),
            ("people_planned", pa.int64()),
            ("holdout_share", pa.decimal128(5, 4)),
            ("max_drop_share", pa.decimal128(5, 4)),
            *_STAMPS,
        ]
    ),
    "input_counts": pa.schema(
        [
            ("source_table", pa.string()),
            ("row_count", pa.int64()),
            ("last_loaded_at", _MOMENT),
            *_STAMPS,
        ]
    ),
}
APPENDED = {
    "receipts": RECEIPTS,
    "membership_receipts": MEMBERSHIP_RECEIPTS,
    "releases": RELEASES,
    "removal_approvals": REMOVAL_APPROVALS,
}
SCHEMA_RUN = "0000-schema"  # sorts first, and is never the name of a run


def ensure_ledger(home: Home) -> None:
    """Write the zero-row schema files that are missing, or have not the columns of this version."""
    for name, schema in FROZEN.items():
        _ensure(home.ledger / "runs" / SCHEMA_RUN / "frozen" / f"{name}.parquet", schema)
    for name, schema in APPENDED.items():
        _ensure(home.ledger / name / f"{SCHEMA_RUN}.parquet", schema)


def append(home: Home, kind: str, name: str, table: pa.Table) -> Path:
    """Add one file to one of the kinds in ``APPENDED``; whole or not at all."""
    file = home.ledger / kind / f"{name}.parquet"
    _write(file, table.cast(APPENDED[kind]))
    return file


def _ensure(file: Path, schema: pa.Schema) -> None:
    if not _has_schema(file, schema):
        _write(file, schema.empty_table())


def _has_schema(file: Path, schema: pa.Schema) -> bool:
    try:
        return bool(pq.read_schema(file).equals(schema))
    except (OSError, pa.ArrowInvalid):
        return False


def _write(file: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomically(file, buffer.getvalue())
