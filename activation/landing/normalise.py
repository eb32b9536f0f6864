"""The identity form of e-mail addresses and telephone numbers; null where there is none.

An address is lower case, its domain in the ASCII form that goes over the wire (``xn--…``), its local part in
Unicode NFC. Dots and ``+suffix`` stay: only the provider knows whether they matter. Each ad platform
hashes yet another form: those belong to ``dim_ad_identifiers`` and the connectors.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import duckdb
import phonenumbers
import pyarrow as pa
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

LONGEST_EMAIL = 254  # bytes; RFC 5321, section 4.5.3.1.3, less the angle brackets
LONGEST_LOCAL_PART = 64  # RFC 5321, section 4.5.3.1.1
LONGEST_LABEL = 63  # RFC 1035, section 2.3.4
# White space, and the invisible characters that come along when an address is copied from a page.
OUTER = (9, 10, 11, 12, 13, 32, 160, 0x200B, 0x200E, 0x200F, 0x3000, 0xFEFF)
ATOM = r"[a-zA-Z0-9!#$%&''*+/=?^_`{|}~-]+"
LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
PLAIN_EMAIL = rf"{ATOM}(\.{ATOM})*@({LABEL}\.)+([a-zA-Z0-9][a-zA-Z0-9-]*)?[a-zA-Z]"
COUNTRY_CODE_LENGTH = 2
# Digits with the country's code. Where numbers vary in length, the library takes "12" for one, and two people
# with the same fragment are not the same person. Niue's numbers (+683 and four digits) are the shortest.
SHORTEST_PHONE = 7
BATCH = 50_000


def email(address: str) -> str | None:
    """Write an address in its identity form; ``None`` where the rules of ``email-validator`` refuse it.

    Nobody is asked over the network. Reserved domains that can have no mail (``.test``, ``.local``) are refused,
    ``example.com`` is not.
    """
    try:
        found = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:  # its message holds the address
        return None
    return f"{unicodedata.normalize('NFC', (found.local_part or '').lower())}@{found.ascii_domain}"


def bare_sql(expression: str) -> str:
    """Write SQL for an address without what surrounds it."""
    return f"trim({expression}, {' || '.join(f'chr({code})' for code in OUTER)})"


def is_plain_email_sql(bare: str) -> str:
    """Write SQL for: :func:`email` would only lower the case of this address.

    True of nearly every address there is, and some hundred times faster. What is long, hyphenated twice in a row,
    reserved or not ASCII is left to the library.
    """
    at = f"strpos({bare}, '@')"
    reserved = "|".join(SPECIAL_USE_DOMAIN_NAMES)
    return (
        f"({at} <= {LONGEST_LOCAL_PART + 1} and length({bare}) - {at} <= {LONGEST_LABEL} "
        f"and regexp_full_match({bare}, '{PLAIN_EMAIL}') and not contains({bare}, '--') "
        f"and not regexp_matches(lower({bare}), '[.@]({reserved})$'))"
    )


def email_sql(expression: str, looked_up: str) -> str:
    """Write SQL for the identity form of an address; ``looked_up`` is what :func:`register_emails` found."""
    bare = bare_sql(expression)
    return f"case when {is_plain_email_sql(bare)} then lower({bare}) else {looked_up} end"


def register_emails(connection: duckdb.DuckDBPyConnection, relation: str, address: str) -> None:
    """Make the table ``emails (given, normalised)`` of those distinct addresses that are not plain."""
    bare = bare_sql(address)
    distinct = (
        f"select distinct {address} as given, {bare} as bare from {relation} "
        f"where strlen({bare}) <= {LONGEST_EMAIL} and contains({address}, '@') and not {is_plain_email_sql(bare)}"
    )
    _register(connection, "emails", distinct, lambda _, bare: email(bare))


def e164(number: str, country: str | None) -> str | None:
    """Write a number as E.164, read as one of ``country`` (ISO 3166 alpha-2) where it has no ``+``.

    ``None`` where it is no possible number: validity by number plan is left to the SMS provider.
    """
    region = (country or "").strip().upper()
    try:
        parsed = phonenumbers.parse(number, region if len(region) == COUNTRY_CODE_LENGTH else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    written = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return written if len(written) > SHORTEST_PHONE else None


def register_phones(connection: duckdb.DuckDBPyConnection, relation: str, number: str, country: str) -> None:
    """Make the table ``phones (given, region, normalised)`` of the distinct numbers in ``relation``."""
    distinct = (
        f"select distinct {number} as given, {country} as region from {relation} where {number} is not null"
    )
    _register(connection, "phones", distinct, e164)


def _register(
    connection: duckdb.DuckDBPyConnection, name: str, query: str, normalise: Callable[..., str | None]
) -> None:
    reader = connection.execute(query).to_arrow_reader(BATCH)
    batches: list[pa.RecordBatch] = []
    schema = reader.schema.append(pa.field("normalised", pa.string()))
    for batch in reader:
        values: Any = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        found = pa.array([normalise(*row) for row in values], pa.string())
        batches.append(pa.RecordBatch.from_arrays([*batch.columns, found], schema=schema))
    connection.register(name, pa.Table.from_batches(batches, schema))
