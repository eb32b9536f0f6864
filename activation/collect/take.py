"""From documents to events in the inbox: SQL reads them, and only what is new and good goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from activation import settings
from activation.clock import naive_utc
from activation.collect.source import Document, Source
from activation.collect.state import Memory
from activation.frozen import connect
from activation.home import Home
from activation.landing.contract import arrow_schema, contract
from activation.privacy.identifiers import digest_sql, register_key

DOCUMENTS = pa.schema(
    [
        ("number", pa.int64()),
        ("via", pa.string()),
        ("text", pa.string()),
        ("arrived", pa.timestamp("us")),
        ("fault", pa.string()),
    ]
)
PROOFS = pa.schema(
    [
        ("message_id", pa.string()),
        ("provider_id", pa.string()),
        ("contact", pa.string()),
        ("occurred_at", pa.timestamp("us")),
        ("proof", pa.string()),
    ]
)
DIGEST_HEX = 32  # 16 bytes


@dataclass(frozen=True)
class Taken:
    """What became of the records of some documents.

    ``events`` are new, ``digests`` theirs; ``proofs`` is every event that says whether the provider took a message of
    ours, repeated ones too: (message_id, provider_id, contact, occurred_at, proof). ``bad`` is (fault, record).
    """

    events: pa.Table
    digests: pa.Array
    proofs: pa.Table
    bad: tuple[tuple[str, str], ...]
    read: int
    new: int
    repeated: int
    foreign: int
    ignored: int


def take(home: Home, source: Source, memory: Memory, documents: Sequence[Document]) -> Taken:
    """Read ``documents`` and tell new events from the rest.

    A provider's own id of a message becomes ours where the ledger has it for one message alone. What names a message
    that no run of this home froze, and no address, is foreign.
    """
    with connect() as engine:
        register_key(engine, settings.pepper(home))
        engine.register("documents", _table(documents))
        _messages(engine, home)
        digest = digest_sql(f"'{source.name}|' || coalesce(event_id, record)")
        engine.execute(f"create temp table read as {source.sql}")
        engine.execute(f"""
            create temp table judged as
            with named as (
                select read.* exclude (message_id), coalesce(read.message_id, known.message_id) as message_id
                from read
                left join known on read.message_id is null and read.provider_id = known.provider_id
            ), told as (
                select named.*, ours.message_id is not null as is_ours,
                    case when event is not null and fault is null
                        then unhex({digest}[1:{DIGEST_HEX}]) end as digest
                from named
                left join ours on named.message_id = ours.message_id
            )
            select *,
                case
                    when fault is not null then 'set_aside'
                    when event is null then 'ignored'
                    when not is_ours and contact is null then 'foreign'
                    when digest in (select digest from read_parquet($seen))
                        or row_number() over (partition by digest order by number, message_id nulls last) > 1
                        then 'repeated'
                    else 'new'
                end as verdict
            from told
        """, {"seen": memory.seen})  # fmt: skip
        counts = dict(engine.execute("select verdict, count(*) from judged group by verdict").fetchall())
        return Taken(
            events=_events(engine, source),
            digests=_column(engine, "select digest from judged where verdict = 'new' order by all"),
            proofs=engine.execute(
                "select distinct message_id, provider_id, contact, occurred_at, proof from judged "
                "where proof is not null and fault is null order by all"
            )
            .to_arrow_table()
            .cast(PROOFS),
            bad=tuple(
                engine.execute(
                    "select fault, record from judged where verdict = 'set_aside' order by number"
                ).fetchall()
            ),
            read=sum(counts.values()),
            new=counts.get("new", 0),
            repeated=counts.get("repeated", 0),
            foreign=counts.get("foreign", 0),
            ignored=counts.get("ignored", 0),
        )


def _messages(engine: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Make ``ours (message_id)``, every message frozen, and ``known (provider_id, message_id)``, one to one."""
    reservations = str(home.ledger / "runs" / "*" / "frozen" / "reservations.parquet")
    receipts = str(home.ledger / "receipts" / "*.parquet")
    engine.execute(
        "create temp table ours as select distinct message_id from read_parquet(?, union_by_name = true)",
        [reservations],
    )
    engine.execute(
        "create temp table known as select provider_id, min(message_id) as message_id "
        "from read_parquet(?, union_by_name = true) where provider_id is not null "
        "group by provider_id having count(distinct message_id) = 1",
        [receipts],
    )


def _events(engine: duckdb.DuckDBPyConnection, source: Source) -> pa.Table:
    names = contract()[source.table].column_names
    columns = ", ".join(f"contact as {name}" if name == source.contact else name for name in names)
    found = engine.execute(
        f"select {columns} from judged where verdict = 'new' order by occurred_at, digest"
    ).to_arrow_table()
    schema = arrow_schema(source.table)
    return found.cast(pa.schema([schema.field(name) for name in names]))


def _column(engine: duckdb.DuckDBPyConnection, query: str) -> pa.Array:
    found = engine.execute(query).to_arrow_table().column(0).combine_chunks()
    return found.cast(pa.binary(16))


def _table(documents: Sequence[Document]) -> pa.Table:
    columns = (
        range(len(documents)),
        [document.via for document in documents],
        [document.text for document in documents],
        [naive_utc(document.arrived) for document in documents],
        [document.fault for document in documents],
    )
    arrays = [pa.array(column, field.type) for column, field in zip(columns, DOCUMENTS, strict=True)]
    return pa.table(arrays, schema=DOCUMENTS)
