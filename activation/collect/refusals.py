"""Refusals at the door that say more than that: a number that said STOP, a device that has uninstalled the app.

The ledger has the reason and the message, the frozen run the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from activation.clock import naive_utc
from activation.frozen import connect
from activation.home import Home
from activation.ledger import SCHEMA_RUN


@dataclass(frozen=True)
class Refusal:
    """A message that was refused for one of the reasons asked for. ``at`` is ISO 8601 in UTC."""

    message_id: str
    address: str
    reason: str
    at: str


@dataclass(frozen=True)
class Ticket:
    """An accepted message, by the provider's id of it."""

    provider_id: str
    message_id: str
    address: str


def refused(home: Home, reasons: Sequence[str]) -> list[Refusal]:
    """Every message of the ledger that was refused for one of ``reasons``, with the address it was for."""
    where = f"state = 'refused' and reason in ({', '.join('?' * len(reasons))})"
    columns = (
        "message_id, address, reason, strftime(coalesce(attempted_at, known_at), '%Y-%m-%d %H:%M:%S') as at"
    )
    return [Refusal(*row) for row in _with_addresses(home, where, list(reasons), columns)]


def tickets(home: Home, destination: str, since: datetime) -> list[Ticket]:
    """Every message that ``destination`` accepted since a moment, with its own id for each."""
    where = "state = 'accepted' and destination = ? and attempted_at >= ? and provider_id is not null"
    found = _with_addresses(home, where, [destination, naive_utc(since)], "provider_id, message_id, address")
    return [Ticket(*row) for row in found]


def _with_addresses(home: Home, where: str, values: list[object], columns: str) -> list[tuple[str, ...]]:
    receipts = str(home.ledger / "receipts" / "*.parquet")
    with connect() as engine:
        engine.execute(
            "create temp table told as select distinct on (message_id) * "
            f"from read_parquet(?, union_by_name = true) where {where} order by message_id, known_at desc",
            [receipts, *values],
        )
        runs = [
            row[0] for row in engine.execute("select distinct run_id from told order by run_id").fetchall()
        ]
        files = [
            str(home.run_directory(run) / "frozen" / "outbox_messages.parquet")
            for run in runs
            if run != SCHEMA_RUN and (home.run_directory(run) / "frozen" / "outbox_messages.parquet").exists()
        ]
        if not files:
            return []
        return engine.execute(
            f"select {columns} from told inner join (select message_id, any_value(address) as address "
            "from read_parquet(?, union_by_name = true) where address is not null group by message_id) "
            "using (message_id) order by message_id",
            [files],
        ).fetchall()
