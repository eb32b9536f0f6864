"""What tells who a landed row is about: identifiers by column, and digests of them that only the home's key can make.

A row with a profile is its profile's, whoever's address it carries. A row without one belongs to whoever has its
address, number, device, token or message to themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from activation.landing.contract import Table
from activation.landing.normalise import bare_sql

PROFILE, EMAIL, PHONE, DEVICE, TOKEN = "profile", "email", "phone", "device", "push_token"
MESSAGE, PROVIDER, CUSTOMER, ORDER = "message", "provider", "customer", "order"
# The columns of the contract that name a person, or something of theirs; the same name means the same everywhere.
KINDS = {
    "profile_id": PROFILE,
    "email": EMAIL,
    "email_normalised": EMAIL,
    "phone": PHONE,
    "phone_e164": PHONE,
    "device_id": DEVICE,
    "push_token": TOKEN,
    "message_id": MESSAGE,
    "provider_id": PROVIDER,
    "customer_id": CUSTOMER,
    "order_id": ORDER,
}
CONTACTS = frozenset({EMAIL, PHONE})
PROFILES = "crm.profiles"  # the table whose rows make an address one that can be written to
# Stands for every erased profile in what is kept: one for all, so that no two orders are told to be one person's.
PSEUDONYM = "erased"
BLOCK = 64  # bytes of a SHA-256 block; RFC 2104, section 2


@dataclass(frozen=True)
class Identifier:
    """A column that tells a person, and the kind of what it holds."""

    column: str
    kind: str

    @property
    def expression(self) -> str:
        """SQL for its value, in the form in which values of its kind are compared."""
        bare = bare_sql(f'"{self.column}"')
        return f"nullif(lower({bare}), '')" if self.kind == EMAIL else f"nullif({bare}, '')"


def identifiers(table: Table) -> tuple[Identifier, ...]:
    """The identifying columns of a landed table."""
    names = (*table.column_names, *(name for name, _ in table.normalised))
    return tuple(Identifier(name, KINDS[name]) for name in names if name in KINDS)


def has_profile(table: Table) -> bool:
    """Whether its rows name a profile."""
    return "profile_id" in table.column_names


def mentioned(table: Table, relation: str, where: str = "true", kinds: Iterable[str] = ()) -> str:
    """Write SQL for the distinct (kind, value) that rows of ``relation`` mention; of all kinds, or of ``kinds``."""
    wanted = frozenset(kinds)
    found = [each for each in identifiers(table) if not wanted or each.kind in wanted]
    parts = [
        f"select '{each.kind}' as kind, {each.expression} as value from {relation} where {where}"
        for each in found
    ]
    if not parts:
        return "select '' as kind, '' as value where false"
    return f"select distinct kind, value from ({' union all '.join(parts)}) where value is not null"


def theirs(table: Table, known: str, *, also: str = "false", by_contact: bool = False) -> str:
    """Write the condition that a row of ``table`` belongs to the person of whom ``known (kind, value)`` tells.

    ``also`` is a further way for a row without a profile. With ``by_contact`` a profile with one of the addresses
    or numbers is the person's too, under whatever id it comes. Never null.
    """
    tests = {
        each: f"{each.expression} in (select value from {known} where kind = '{each.kind}')"
        for each in identifiers(table)
    }
    others = [test for each, test in tests.items() if each.kind != PROFILE]
    rest = " or ".join([*others, also])
    if not has_profile(table):
        return f"coalesce({rest}, false)"
    own = [test for each, test in tests.items() if each.kind == PROFILE]
    if by_contact and table.name == PROFILES:
        own += [test for each, test in tests.items() if each.kind in CONTACTS]
    return f"case when profile_id is not null then coalesce({' or '.join(own)}, false) else coalesce({rest}, false) end"


def register_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Make the table ``hmac_key`` that :func:`digest_sql` reads; the key is in no SQL text."""
    padded = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner, outer = (bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C))
    connection.execute(
        "create or replace temp table hmac_key as select ?::blob as inner_pad, ?::blob as outer_pad",
        [inner, outer],
    )


def digest_sql(text: str) -> str:
    """Write SQL for the HMAC-SHA256 of a text in hexadecimal digits (RFC 2104); needs :func:`register_key`."""
    inner = f"unhex(sha256((select inner_pad from hmac_key) || encode({text})))"
    return f"sha256((select outer_pad from hmac_key) || {inner})"


def keyed(kind: str, value: str) -> str:
    """The text whose digest stands for an identifier."""
    return f"{kind}:{value}"
