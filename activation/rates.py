"""How often an account may be asked, kept in the journal so that all its workers in all processes share it.

A claim books the moments of its requests: evenly spaced, from when the account is free (the generic cell rate
algorithm, ITU-T I.371, without a burst). Moments are microseconds of the wall clock, also in a rehearsal.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from activation.connectors import Throughput
from activation.journal_tables import rates

# What a worker that wakes late may catch up on, in seconds.
SLACK_SECONDS = 0.05


class BusyAccountError(Exception):
    """Others have booked an account for longer than one wants to wait: ``seconds``. Never leaves delivery."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def book(
    connection: Connection, account: str, throughput: Throughput, requests: int, patience: float
) -> list[float]:
    """When each of so many requests may leave, in seconds since 1970; empty where there is no limit.

    Raises ``BusyAccountError`` where the first would wait longer than ``patience`` seconds.
    """
    if not throughput.requests:
        return []
    interval = throughput.seconds / throughput.requests
    free_at = _next_at(connection, account)
    first = max(time.time() - SLACK_SECONDS, free_at)
    if first - time.time() > patience:
        raise BusyAccountError(first - time.time())
    _set(connection, account, first + requests * interval)
    return [first + number * interval for number in range(requests)]


def postpone(connection: Connection, account: str, seconds: float) -> None:
    """Let nobody ask an account for so many seconds: it told one of its workers to wait."""
    until = time.time() + seconds
    if until > _next_at(connection, account):
        _set(connection, account, until)


def _next_at(connection: Connection, account: str) -> float:
    query = select(rates.c.next_at).where(rates.c.account == account).with_for_update()
    found = connection.execute(query).scalar()
    if found is None:
        kind = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(kind.insert(rates).values(account=account, next_at=0).on_conflict_do_nothing())
        found = connection.execute(query).scalar_one()
    return int(found) / 1_000_000


def _set(connection: Connection, account: str, at: float) -> None:
    connection.execute(update(rates).where(rates.c.account == account).values(next_at=round(at * 1_000_000)))
