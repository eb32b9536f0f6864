"""Who somebody is to Muster: every profile, address, number, device and message that is theirs alone.

The profiles come from the map of golden customers: of the published warehouse, else of the newest frozen run. What
somebody else's profile carries too, such as a family's address, is nobody's alone: rows that name nothing else stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.errors import ConfigurationError
from activation.home import Home
from activation.identity import customer_called
from activation.landing.contract import Table, contract
from activation.landing.normalise import e164
from activation.landing.normalise import email as email_form
from activation.landing.source import literal
from activation.privacy.belongings import collect, ledger_rows, set_person, shared_by
from activation.privacy.identifiers import (
    CONTACTS,
    CUSTOMER,
    EMAIL,
    PHONE,
    PROFILE,
    PROFILES,
    PSEUDONYM,
    theirs,
)
from activation.privacy.register import entry_of
from activation.privacy.rewrite import rows_of
from activation.request import runs

BUILD_FIRST = "run `muster build` first, so that all profiles of the person are known"


@dataclass(frozen=True)
class Stay:
    """A time in which a device that others use too was this person's: from, until (not included), UTC."""

    device_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Person:
    """Everything that tells a person, by (kind, value), and what of it others have too (not in ``known``)."""

    customer_id: str | None
    known: frozenset[tuple[str, str]]
    stays: tuple[Stay, ...]
    shared: int

    def values(self, kind: str) -> list[str]:
        """The identifiers of one kind, sorted."""
        return sorted(value for each, value in self.known if each == kind)


def person_condition(table: Table) -> str:
    """Write the condition, never null, that a landed row is of the person whom :func:`register_person` registered."""
    return theirs(table, "person", also=_STAYED if table.name == "web.events" else "false")


_STAYED = (
    "exists (select 1 from stays where stays.device_id = landed.device_id "
    "and landed.occurred_at >= stays.since and landed.occurred_at < stays.until)"
)


def register_person(connection: duckdb.DuckDBPyConnection, person: Person) -> None:
    """Make the tables ``person (kind, value)`` and ``stays`` that :func:`person_condition` reads."""
    set_person(connection, person.known)
    moments = pa.timestamp("us")
    stays = pa.table(
        {
            "device_id": pa.array([stay.device_id for stay in person.stays], pa.string()),
            "since": pa.array([stay.since for stay in person.stays], moments),
            "until": pa.array([stay.until for stay in person.stays], moments),
        }
    )
    connection.register("given", stays)
    connection.execute("create or replace temp table stays as select * from given")


def find_person(
    connection: duckdb.DuckDBPyConnection, home: Home, who: str | None, address: str | None
) -> Person:
    """Find somebody by customer id or profile id, or by an e-mail address or telephone number.

    Raises ``ConfigurationError`` where nobody is found, where the address is several customers', or where profiles
    were landed after the last build that may be the person's.
    """
    _read_map(connection, home)
    profiles: list[str] = []
    contacts: list[tuple[str, str]] = []
    if address is not None:
        contacts = [contact_of(address)]
        customer = _customer_with(connection, home, contacts[0])
    else:
        customer = customer_called(connection, who or "", "map", "succeeded")
        if customer is None:
            profiles = [_profile_called(connection, home, who or "")]
    customers: list[str] = []
    if customer is not None:
        rows = connection.execute("select profile_id from map where customer_id = ?", [customer]).fetchall()
        profiles = [str(profile) for (profile,) in rows]
        earlier = connection.execute(
            "select earlier_customer_id from succeeded where customer_id = ?", [customer]
        )
        customers = [customer, *(str(row[0]) for row in earlier.fetchall())]
    customers += [name for name in _customers_frozen(connection, home, profiles) if name not in customers]
    start = {(PROFILE, profile) for profile in profiles} | {(CUSTOMER, name) for name in customers}
    known, shared = collect(connection, home, start | set(contacts))
    _refuse_unmapped(connection, home, known | shared)
    if customer is None and contacts and contacts[0] in shared:
        raise ConfigurationError(
            f"a profile has this address, and no customer is known for it: {BUILD_FIRST}"
        )
    stays = connection.execute(
        "select device_id, since, until from stitched where customer_id = ? order by all", [customer]
    ).fetchall()
    return Person(customer, frozenset(known), tuple(Stay(*row) for row in stays), len(shared))


def _read_map(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Make the tables ``map``, ``succeeded`` and ``stitched`` of golden customers."""
    if home.warehouse_file.exists():
        # Under the name it was built with: its views carry it.
        connection.execute(f"attach {literal(str(home.warehouse_file))} as muster (read_only)")
        connection.execute(
            "create temp table map as select profile_id, customer_id, email_normalised, phone_e164 "
            "from muster.intermediate.int_profiles_mapped"
        )
        connection.execute(
            "create temp table succeeded as select earlier_customer_id, customer_id "
            "from muster.intermediate.int_customers_succeeded"
        )
        connection.execute(
            "create temp table stitched as select device_id, customer_id, stitched_from as since, "
            "stitched_until as until from muster.intermediate.int_devices_stitched"
        )
        connection.execute("detach muster")
        return
    frozen = [home.run_directory(run.run_id) / "frozen" / "profile_customers.parquet" for run in runs(home)]
    newest = [file for file in frozen if file.exists()][-1:]
    query = "select cast(null as varchar) as profile_id, cast(null as varchar) as customer_id, "
    query += "cast(null as varchar) as email_normalised, cast(null as varchar) as phone_e164 where false"
    if newest:
        columns = "profile_id, customer_id, email_normalised, phone_e164"
        query = f"select {columns} from read_parquet({literal(str(newest[0]))})"
    connection.execute(f"create temp table map as {query}")
    connection.execute("create temp table succeeded (earlier_customer_id varchar, customer_id varchar)")
    connection.execute(
        "create temp table stitched (device_id varchar, customer_id varchar, since timestamp, until timestamp)"
    )


def _customers_frozen(connection: duckdb.DuckDBPyConnection, home: Home, profiles: list[str]) -> list[str]:
    """Customer ids that these profiles, and no others, had in some frozen run."""
    frozen = ledger_rows(home, "profile_customers")
    if frozen is None:
        return []
    rows = connection.execute(
        f"select distinct customer_id from (select customer_id from {frozen} group by run_id, customer_id "
        "having bool_and(list_contains($profiles, profile_id))) order by 1",
        {"profiles": profiles},
    ).fetchall()
    return [str(name) for (name,) in rows]


def contact_of(address: str) -> tuple[str, str]:
    """An e-mail address or telephone number as (kind, value). Raises ``ConfigurationError`` where it is neither."""
    found = email_form(address.strip()) if "@" in address else e164(address.strip(), None)
    if found is None:
        raise ConfigurationError(
            "what was given is neither an e-mail address nor a telephone number with its country code (+…)"
        )
    return (EMAIL if "@" in address else PHONE), found


def _profile_called(connection: duckdb.DuckDBPyConnection, home: Home, who: str) -> str:
    """A profile that no customer has: it must be known to some table, but to no row of profiles."""
    for table in contract().values():
        if "profile_id" not in table.column_names or who == PSEUDONYM:
            continue
        if connection.execute(
            f"select 1 from {rows_of(home, table)} where profile_id = ? limit 1", [who]
        ).fetchone():
            if table.name == PROFILES:
                raise ConfigurationError(f"profile {who} was landed after the last build: {BUILD_FIRST}")
            return who
    if "@" in who:
        raise ConfigurationError(
            "an address does not belong on a command line, which shells remember: give it on standard input, "
            "with --address-file -"
        )
    erased = entry_of(home, PROFILE, who) or entry_of(home, CUSTOMER, who)
    if erased:
        raise ConfigurationError(
            f"{who} was erased on {erased[1]:%Y-%m-%d} (erasure {erased[0]}): nothing is held any more"
        )
    raise ConfigurationError(f"nothing is held on {who}: no customer and no profile has that id")


def _customer_with(connection: duckdb.DuckDBPyConnection, home: Home, contact: tuple[str, str]) -> str | None:
    """The one customer who has an address now or had it earlier; None where it is no profile's."""
    kind, value = contact
    column = "email_normalised" if kind == EMAIL else "phone_e164"
    table = contract()[PROFILES]
    found = connection.execute(
        f"select customer_id from map where {column} = $value union select map.customer_id from map "
        f"inner join {rows_of(home, table)} as landed on map.profile_id = landed.profile_id "
        f"where landed.{column} = $value order by 1",
        {"value": value},
    ).fetchall()
    if len(found) > 1:
        names = ", ".join(str(customer) for (customer,) in found)
        raise ConfigurationError(f"{len(found)} customers have this address; say which one you mean: {names}")
    return str(found[0][0]) if found else None


def _refuse_unmapped(
    connection: duckdb.DuckDBPyConnection, home: Home, mentioned: set[tuple[str, str]]
) -> None:
    """Refuse where a profile that no customer has yet shares an address or number with the person."""
    wanted = {pair for pair in mentioned if pair[0] in CONTACTS}
    unmapped = "profile_id not in (select profile_id from map)"
    if any(shared_by(connection, home, contract()[PROFILES], unmapped, wanted)):
        raise ConfigurationError(
            f"a profile was landed after the last build that may be the same person: {BUILD_FIRST}"
        )
