"""What belongs to a person's profiles: collected from the landing zone and the ledger, less what others have too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.home import Home
from activation.landing.contract import Table, contract
from activation.landing.source import literal
from activation.privacy.identifiers import (
    CONTACTS,
    CUSTOMER,
    DEVICE,
    MESSAGE,
    PROFILE,
    PROVIDER,
    TOKEN,
    has_profile,
    identifiers,
    mentioned,
    theirs,
)
from activation.privacy.rewrite import rows_of

Known = set[tuple[str, str]]
# What a row without a profile may say further about whoever it belongs to.
FURTHER = (MESSAGE, PROVIDER, TOKEN)


def collect(connection: duckdb.DuckDBPyConnection, home: Home, start: Known) -> tuple[Known, Known]:
    """All identifiers of a person, from profiles, customer ids and addresses to start with; and what is shared.

    Shared is what a row of another profile carries too.
    """
    mine = "profile_id in (select value from person where kind = 'profile')"
    set_person(connection, start)
    found = set(start) | _of_map(connection, home)
    for table in contract().values():
        if has_profile(table) and identifiers(table):
            found |= _asked(connection, mentioned(table, f"{rows_of(home, table)} as landed", mine))
    shared = _shared(connection, home, found, f"not ({mine})")
    known = found - shared
    set_person(connection, known)
    further = _further(connection, home) | _of_messages(connection, home)
    known |= further - _shared(connection, home, further, f"not ({mine})")
    return known, shared


def shared_by(
    connection: duckdb.DuckDBPyConnection, home: Home, table: Table, others: str, wanted: Known
) -> Known:
    """Those of ``wanted`` that rows of a table carry which meet ``others``."""
    if not wanted:
        return set()
    kinds = {kind for kind, _ in wanted}
    connection.register("wanted", _pairs(wanted))
    query = mentioned(table, f"{rows_of(home, table)} as landed", others, kinds)
    return _asked(connection, f"select kind, value from ({query}) semi join wanted using (kind, value)")


def _files(home: Home, name: str) -> list[str]:
    files: Iterable[Path] = home.ledger.glob(f"runs/*/frozen/{name}.parquet")
    return [str(file) for file in sorted([*files, *home.ledger.glob(f"{name}/*.parquet")])]


def ledger_rows(home: Home, name: str) -> str | None:
    """Write the SQL relation of a table of the ledger over all runs; None where there is no file of it."""
    files = _files(home, name)
    listed = ", ".join(literal(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true)" if files else None


def _shared(connection: duckdb.DuckDBPyConnection, home: Home, found: Known, others: str) -> Known:
    shared: Known = set()
    wanted = {pair for pair in found if pair[0] not in {PROFILE, CUSTOMER}}
    for table in contract().values():
        if has_profile(table):
            shared |= shared_by(connection, home, table, f"profile_id is not null and {others}", wanted)
    return shared


def _of_map(connection: duckdb.DuckDBPyConnection, home: Home) -> Known:
    """Addresses and numbers that a build or a freeze knew for the profiles, as the landing zone may not any more."""
    maps = ["map"]
    frozen = ledger_rows(home, "profile_customers")
    if frozen:
        maps.append(frozen)
    found: Known = set()
    for relation in maps:
        for kind, column in zip(sorted(CONTACTS), ("email_normalised", "phone_e164"), strict=True):
            found |= _asked(
                connection,
                f"select distinct '{kind}', {column} from {relation} where {column} is not null "
                "and profile_id in (select value from person where kind = 'profile')",
            )
    return found


def _further(connection: duckdb.DuckDBPyConnection, home: Home) -> Known:
    """Messages and tokens in rows without a profile that are the person's by their address, number or device."""
    found: Known = set()
    for table in contract().values():
        kinds = {each.kind for each in identifiers(table)}
        if not kinds & {*FURTHER} or not kinds & {*CONTACTS, DEVICE}:
            continue
        rows, mine = f"{rows_of(home, table)} as landed", theirs(table, "person")
        alone = "profile_id is null" if has_profile(table) else "true"
        others = [each.expression for each in identifiers(table) if each.kind in {*CONTACTS, DEVICE}]
        named = " or ".join(f"{expression} is not null" for expression in others)
        found |= _asked(
            connection,
            f"{mentioned(table, rows, f'{mine} and {alone}', FURTHER)} "
            f"except {mentioned(table, rows, f'not {mine} and ({named})', FURTHER)}",
        )
    return found


def _of_messages(connection: duckdb.DuckDBPyConnection, home: Home) -> Known:
    """Ids of the messages that were decided for the customer, and of the provider's where they carried nobody else."""
    found: Known = set()
    mine = "customer_id in (select value from person where kind = 'customer')"
    outbox, receipts = ledger_rows(home, "outbox_messages"), ledger_rows(home, "receipts")
    for relation in filter(None, (outbox, receipts)):
        found |= _asked(
            connection,
            f"select distinct 'message', message_id from {relation} where {mine} and message_id is not null",
        )
    if receipts:
        found |= _asked(
            connection,
            f"select 'provider', provider_id from {receipts} where provider_id is not null "
            f"group by provider_id having bool_and(coalesce({mine}, false))",
        )
    return found


def set_person(connection: duckdb.DuckDBPyConnection, known: Iterable[tuple[str, str]]) -> None:
    """Make the table ``person (kind, value)`` that conditions read."""
    connection.register("given", _pairs(known))
    connection.execute("create or replace temp table person as select * from given")


def _pairs(known: Iterable[tuple[str, str]]) -> pa.Table:
    listed = sorted(known)
    return pa.table(
        {
            "kind": pa.array([kind for kind, _ in listed], pa.string()),
            "value": pa.array([value for _, value in listed], pa.string()),
        }
    )


def _asked(connection: duckdb.DuckDBPyConnection, query: str) -> Known:
    return {(str(kind), str(value)) for kind, value in connection.execute(query).fetchall()}
