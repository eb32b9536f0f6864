"""The journal's tables.

A frozen row's ``seq`` is ``run * 2**33 + (2**32 for memberships) + position``. Rows are kept as spans: neighbours
that stand alike are one row of the journal, so that a million changes of a set cost a few hundred rows, and a
message that differs costs one. Times are microseconds since 1970 in UTC. Addresses are only ever digests.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from activation.frozen import Kind
from activation.types import State

VERSION = 2
RUN_SHIFT = 33
KIND_SHIFT = 32
# The state of a span whose request speaks for it. Not a state of the contract: see ``journal.py``.
CLAIMED = "claimed"
# SQLite's own integer key is 64 bits wide only where the column is declared INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")


def _one_of(column: str, *values: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({allowed})")


tables = MetaData()
# Literals, because SQLite uses a partial index only where the statement repeats its condition.
_OPEN = text("state in ('attempting', 'in_doubt')")
_DOUBTED = text("state = 'in_doubt'")

meta = Table("meta", tables, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    tables,
    Column("run", Key, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    # When its rows left the journal; see ``journal_closing.py``.
    Column("closed_at", BigInteger),
    sqlite_autoincrement=True,
)

# A campaign of a run whose rows are all in ``spans``.
plans = Table(
    "plans",
    tables,
    Column("run", ForeignKey("runs.run"), primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("rows", BigInteger, nullable=False),
)

# Rows of one run that may share a request: all that they have in common.
STREAM_COLUMNS = (
    "campaign",
    "slot",
    "step",
    "channel",
    "destination",
    "operation",
    "audience",
    "template",
    "message_version",
    "wave",
)
NUMBERS = ("step", "wave")
streams = Table(
    "streams",
    tables,
    Column("stream", Key, primary_key=True),
    Column("run", ForeignKey("runs.run"), nullable=False),
    Column("kind", Text, nullable=False),
    *(Column(name, Integer if name in NUMBERS else Text, nullable=False) for name in STREAM_COLUMNS),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    UniqueConstraint("run", "kind", *STREAM_COLUMNS),
    Index("streams_by_campaign", "campaign"),
    _one_of("kind", *Kind),
)

# What happens to an address once, in whichever run.
OCCASION_COLUMNS = ("campaign", "slot", "step", "channel", "operation")
occasions = Table(
    "occasions",
    tables,
    Column("occasion", Key, primary_key=True),
    *(Column(name, Integer if name in NUMBERS else Text, nullable=False) for name in OCCASION_COLUMNS),
    UniqueConstraint(*OCCASION_COLUMNS),
)

# HMAC-SHA256 of the normalised address, its first 16 bytes (RFC 2104, section 5: no less than half).
contacts = Table(
    "contacts",
    tables,
    Column("occasion", BigInteger, nullable=False),
    Column("address_hmac", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("occasion", "address_hmac"),
    sqlite_with_rowid=False,
)

message_ids = Table(
    "message_ids",
    tables,
    Column("message_id", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

requests = Table(
    "requests",
    tables,
    Column("request", Key, primary_key=True),
    Column("request_id", Text, nullable=False, unique=True),
    Column("stream", ForeignKey("streams.stream"), nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("people", Integer, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("provider_id", Text),
    # The first time; a repetition under the same key leaves it.
    Column("attempted_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("is_receipted", Boolean, nullable=False, server_default=false()),
    _one_of("state", State.PLANNED, State.ATTEMPTING, State.ACCEPTED, State.REFUSED, State.IN_DOUBT),
    Index("requests_open", "state", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("requests_by_stream", "stream"),
    # A number is never used again: the mark outside of the journal counts on it.
    sqlite_autoincrement=True,
)

SPAN_STATES = (
    State.PLANNED,
    CLAIMED,
    State.ACCEPTED,
    State.REFUSED,
    State.IN_DOUBT,
    State.EXCLUDED,
    State.EXPIRED,
)
# Neighbouring rows of one stream that stand alike, both ends included. Spans never overlap.
spans = Table(
    "spans",
    tables,
    Column("first_seq", Key, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("stream", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("request", BigInteger),
    Column("reason", Text),
    Column("provider_id", Text),
    Column("send_not_before", BigInteger),
    Column("expires_at", BigInteger),
    Column("is_receipted", Boolean, nullable=False, server_default=false()),
    Index("spans_in_doubt", "request", sqlite_where=_DOUBTED, postgresql_where=_DOUBTED),
)

# Who holds a campaign: a claim counts only under the campaign's present epoch.
leases = Table(
    "leases", tables, Column("campaign", Text, primary_key=True), Column("epoch", Text, nullable=False)
)

# When an account may be asked next, by the wall clock: what its workers in all processes share.
rates = Table(
    "rates", tables, Column("account", Text, primary_key=True), Column("next_at", BigInteger, nullable=False)
)


def sequence(run: int, kind: Kind, position: int) -> int:
    """The key of one frozen row."""
    return (run << RUN_SHIFT) + ((kind is Kind.MEMBERSHIP) << KIND_SHIFT) + position


def position_of(seq: int) -> int:
    """The frozen row's position, from its key."""
    return seq & ((1 << KIND_SHIFT) - 1)
