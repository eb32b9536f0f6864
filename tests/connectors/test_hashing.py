"""Each platform's normalisation: the official vectors, and SQL against the Python reference."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from activation.connectors import hashing

ALEX = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"
GOOGLE_PHONE = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"
META_PHONE = "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c"
META_EMAIL = "00a9fee7604744049b5f777d65021e214480af944b16c1580893c5c6eed2d45a"
RULES = {
    "meta_email": (hashing.meta_email, hashing.meta_email_sql),
    "meta_phone": (hashing.meta_phone, hashing.meta_phone_sql),
    "google_email": (hashing.google_email, hashing.google_email_sql),
    "google_phone": (hashing.google_phone, hashing.google_phone_sql),
}


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("meta_email", " Foo.Bar@Example.COM ", META_EMAIL),
        ("meta_phone", "+1 (800) 555-0100", META_PHONE),
        ("google_email", "alexz@example.com", ALEX),
        ("google_email", " AlexZ@Example.com  ", ALEX),
        ("google_phone", "+18005550100", GOOGLE_PHONE),
        ("google_phone", "   +1-800-555-0100", GOOGLE_PHONE),
        ("google_phone", "1-800-555-0100   ", GOOGLE_PHONE),
    ],
)
def test_official_vectors(rule: str, value: str, expected: str) -> None:
    reference, _ = RULES[rule]
    assert reference(value) == expected


def test_one_address_is_two_people_to_two_platforms() -> None:
    address = "Jefferson.Loves.hiking+x@gmail.com"
    assert str(hashing.google_email(address)).startswith("515d2f96")
    assert str(hashing.meta_email(address)).startswith("df3e2809")


@pytest.mark.parametrize(
    "value", [None, "", "   ", "nobody", "a@b@example.com", "a b@example.com", "...@gmail.com"]
)
def test_google_rejects_what_is_no_address(value: str | None) -> None:
    assert hashing.google_email(value) is None


VALUES = [
    None,
    "",
    " ",
    "...",
    "\t\r\n\x0b.Ann@Example.com. ",
    "a@b@example.com",
    "a b@example.com",
    "...@gmail.com",
    "+x@gmail.com",
    "A.N.N+news@GoogleMail.com",
    "a.n.n+news@example.com",
    "nobody",
    "\u00a0\u2003Ann@example.com\u3000\x1c",
    "a\u00a0b@example.com",
    "ZOË@example.com",
    "+1 (800) 555-0100",
    "0044 20 7946 0018",
    "no digits",
    "+",
    "\u2011\u0663\u2011",
]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_sql_agrees_with_the_reference(rule: str) -> None:
    reference: Callable[[str | None], str | None]
    reference, expression = RULES[rule]
    query = f"select {expression('value')} from (select unnest($1::varchar[]) as value)"
    hashed = [row[0] for row in duckdb.execute(query, [VALUES]).fetchall()]
    assert dict(zip(VALUES, hashed, strict=True)) == {value: reference(value) for value in VALUES}
