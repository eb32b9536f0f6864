"""Doubts that feedback resolves: an event of a message proves that the provider took it, or that it never did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from activation.accounts import Doubt, confirm, in_doubt
from activation.clock import naive_utc
from activation.frozen import Kind, connect, read_frozen, read_parts
from activation.home import Home
from activation.journal import Journal
from activation.journal_tables import position_of
from activation.receipts import write_receipts
from activation.types import State

# A provider's record of a message is as old as our attempt: its clock may differ, and a request may take a while.
BEFORE, AFTER = timedelta(minutes=2), timedelta(minutes=10)
DOUBTFUL = pa.schema(
    [("message_id", pa.string()), ("address", pa.string()), ("attempted_at", pa.timestamp("us"))]
)


@dataclass(frozen=True)
class Resolved:
    """Rows that were in doubt: how many are ``accepted`` and ``refused`` now, how many are in doubt still."""

    accepted: int = 0
    refused: int = 0
    left: int = 0


def resolve(home: Home, journal: Journal, proofs: pa.Table, by: str, now: datetime) -> Resolved:
    """Resolve what ``proofs`` (message_id, provider_id, contact, occurred_at, proof) tell, and write its receipts.

    A proof that names no message of ours counts for the one message in doubt to its address whose attempt was at
    its time, where there is no other such proof. What some proof says was accepted, was.
    """
    doubts = [doubt for doubt in in_doubt(journal) if doubt.kind is Kind.MESSAGE]
    if not doubts:
        return Resolved()
    proven = _proven(home, doubts, proofs) if proofs.num_rows else []
    accepted = sorted({message for message, proof in proven if proof == "accepted"})
    refused = sorted({message for message, proof in proven if proof == "refused"} - set(accepted))
    counts = {
        state: confirm(journal, ids, state, by) if ids else 0
        for state, ids in ((State.ACCEPTED, accepted), (State.REFUSED, refused))
    }
    if any(counts.values()):
        for run_id in sorted({doubt.run_id for doubt in doubts}):
            write_receipts(home, journal, read_frozen(home, run_id), now)
    left = sum(doubt.people for doubt in doubts) - sum(counts.values())
    return Resolved(counts[State.ACCEPTED], counts[State.REFUSED], left)


def _proven(home: Home, doubts: list[Doubt], proofs: pa.Table) -> list[tuple[str, str]]:
    """Messages in doubt, each with what is proven of it."""
    with connect() as engine:
        engine.register("doubtful", pa.concat_tables([_rows(home, doubt) for doubt in doubts]))
        engine.register("proofs", proofs)
        return engine.execute(
            """
            with unnamed as (
                select doubtful.message_id, proofs.proof,
                    count(*) over (partition by doubtful.message_id) as proofs_of_it,
                    count(*) over (partition by proofs.provider_id) as messages_of_it
                from proofs
                inner join doubtful on lower(proofs.contact) = lower(doubtful.address)
                where proofs.message_id is null and proofs.provider_id is not null
                    and proofs.occurred_at between doubtful.attempted_at - $before and doubtful.attempted_at + $after
            )
            select proofs.message_id, proofs.proof
            from proofs inner join doubtful on proofs.message_id = doubtful.message_id
            union
            select message_id, proof from unnamed where proofs_of_it = 1 and messages_of_it = 1
            """,
            {"before": BEFORE, "after": AFTER},
        ).fetchall()


def _rows(home: Home, doubt: Doubt) -> pa.Table:
    if not doubt.parts:
        return DOUBTFUL.empty_table()
    with connect() as engine:
        rows = read_parts(
            engine,
            read_frozen(home, doubt.run_id),
            doubt.kind,
            [(position_of(first), position_of(last)) for first, last in doubt.parts],
            "position, message_id, address",
        )
    stamps = pa.array([naive_utc(doubt.attempted_at)] * rows.num_rows, pa.timestamp("us"))
    return rows.drop_columns(["position"]).append_column("attempted_at", stamps).cast(DOUBTFUL)
