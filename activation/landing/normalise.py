"""The identity form of e-mail addresses and telephone numbers; null where there is none.

Each ad platform hashes yet another form: those belong to the connectors.
"""

from __future__ import annotations

import duckdb
import phonenumbers
import pyarrow as pa

EMAIL_SHAPE = (
    r"[^\s@\"(),:;<>\[\]\\.]+(\.[^\s@\"(),:;<>\[\]\\.]+)*"  # dots only between other characters
    r"@([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}[\p{L}\p{N}-]*[\p{L}\p{N}]"
)
LONGEST_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
COUNTRY_CODE_LENGTH = 2
# Digits with the country's code. Where numbers vary in length, the library takes "12" for one, and two people
# with the same fragment are not the same person. Niue's numbers (+683 and four digits) are the shortest.
SHORTEST_PHONE = 7


def email_sql(expression: str) -> str:
    """Write SQL for an address in lower case, without outer white space; null where it has no such shape."""
    bare = f"lower(trim({expression}, chr(9) || chr(10) || chr(13) || chr(32) || chr(160)))"
    return (
        f"case when length({bare}) <= {LONGEST_EMAIL} "
        f"and regexp_full_match({bare}, '{EMAIL_SHAPE}') then {bare} end"
    )


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
    """Make the table ``phones (given, region, e164)`` of the distinct numbers in ``relation``."""
    distinct = connection.execute(
        f"select distinct {number} as given, {country} as region from {relation} where {number} is not null"
    ).to_arrow_table()
    pairs = zip(distinct.column("given").to_pylist(), distinct.column("region").to_pylist(), strict=True)
    found = pa.array([e164(*pair) for pair in pairs], pa.string())
    connection.register("phones", distinct.append_column("e164", found))
