"""Which sets a person is possibly in: at advertising platforms, in lists, in other systems of the house.

By the same rule as the build: an accepted or in-doubt addition without an accepted removal after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from activation.home import Home
from activation.privacy.belongings import ledger_rows


@dataclass(frozen=True, order=True)
class HeldSet:
    """A set that possibly holds the person."""

    destination: str
    audience: str


def sets_holding(connection: duckdb.DuckDBPyConnection, home: Home) -> tuple[HeldSet, ...]:
    """The sets that possibly hold the person whom ``register_person`` registered."""
    receipts = ledger_rows(home, "membership_receipts")
    if receipts is None:
        return ()
    found = connection.execute(f"""
        with latest as (
            select *, coalesce(attempted_at, known_at) as moment from {receipts}
            where customer_id in (select value from person where kind = 'customer')
            qualify row_number() over (
                partition by change_id, run_id
                order by known_at desc, case when state = 'in_doubt' then 1 else 0 end, attempted_at desc nulls last
            ) = 1
        ), members as (
            select
                destination, audience,
                max(moment) filter (where operation = 'add') as added_at,
                max(moment) filter (where operation = 'remove' and state = 'accepted') as removed_at
            from latest where state in ('accepted', 'in_doubt')
            group by destination, audience, customer_id, email, phone, external_id
        )
        select distinct destination, audience from members
        where added_at is not null and (removed_at is null or removed_at <= added_at)
        order by all""").fetchall()
    return tuple(HeldSet(str(destination), str(audience)) for destination, audience in found)
