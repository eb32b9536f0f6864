"""What ``dim_ad_identifiers`` says to hash is what the connectors' own rules hash."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import jinja2

from activation.connectors import hashing
from activation.landing.normalise import e164, email
from activation.settings import PROJECT

# As entered; the official vectors among them.
ADDRESSES = [
    "alexz@example.com", " AlexZ@Example.com  ", " Foo.Bar@Example.COM ", "Jefferson.Loves.hiking+x@gmail.com",
    "A.N.N+news@GoogleMail.com", "a.n.n+news@example.com", "+x@gmail.com", "...@gmail.com", "a.b@mail.gmail.com",
    "ZOË@example.com", "ada@BÜCHER.example", "ada@xn--bcher-kva.example", "o'neil@example.com", "a+b+c@gmail.com",
    "gmail.com@example.com", "nobody", "",
]  # fmt: skip
NUMBERS = [
    ("+18005550100", None), ("   +1-800-555-0100", None), ("1-800-555-0100   ", "US"), ("+1 (800) 555-0100", None),
    ("(020) 7946 0018", "GB"), ("0041 44 668 18 00", "DE"), ("no digits", "US"), ("+", None),
]  # fmt: skip
META_EMAIL = "00a9fee7604744049b5f777d65021e214480af944b16c1580893c5c6eed2d45a"
GOOGLE_PHONE = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"
META_PHONE = "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c"
ALEX = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"


def identifiers(
    customers: list[tuple[str, str | None, str | None]],
) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Run the model on customers of (id, email, phone); its digests by customer and platform."""
    model = (PROJECT / "models" / "marts" / "dim_ad_identifiers.sql").read_text()
    query = (
        jinja2.Environment(autoescape=False)  # noqa: S701
        .from_string(model)
        .render(
            ref=lambda name: name,
            config=lambda **_: "",
            replace_all=lambda text, pattern, new: f"regexp_replace({text}, '{pattern}', '{new}', 'g')",
        )
    )
    with duckdb.connect(config={"autoload_known_extensions": "false"}) as connection:
        connection.execute(
            "create table dim_customers (customer_id text, email text, phone text, first_name text, last_name text, "
            "postal_code text, country text)"
        )
        connection.executemany(
            "insert into dim_customers (customer_id, email, phone) values (?, ?, ?)", customers
        )
        rows = connection.execute(f"select * from ({query})").fetchall()
    return {(row[0], row[1]): tuple(digest(value) for value in row[2:4]) for row in rows}


def digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def test_addresses_are_hashed_as_the_connectors_hash_them() -> None:
    given = {f"c{n}": email(address.strip()) for n, address in enumerate(ADDRESSES)}
    found = identifiers([(customer, address, None) for customer, address in given.items()])
    for customer, address in given.items():
        meta = found.get((customer, "meta"), (None, None))[0]
        google = found.get((customer, "google"), (None, None))[0]
        assert (meta, google) == (hashing.meta_email(address), hashing.google_email(address))


def test_numbers_are_hashed_as_the_connectors_hash_them() -> None:
    given = {f"c{n}": e164(*number) for n, number in enumerate(NUMBERS)}
    found = identifiers([(customer, None, number) for customer, number in given.items()])
    for customer, number in given.items():
        meta = found.get((customer, "meta"), (None, None))[1]
        google = found.get((customer, "google"), (None, None))[1]
        assert (meta, google) == (hashing.meta_phone(number), hashing.google_phone(number))


def test_the_platforms_own_vectors_come_out() -> None:
    found = identifiers(
        [
            ("alex", email("AlexZ@Example.com"), e164("1-800-555-0100", "US")),
            ("foo", email("Foo.Bar@Example.COM"), None),
            ("jeff", email("Jefferson.Loves.hiking+x@gmail.com"), None),
        ]
    )
    assert found["alex", "google"] == (ALEX, GOOGLE_PHONE)
    assert found["alex", "meta"] == (ALEX, META_PHONE)
    assert found["foo", "meta"][0] == META_EMAIL
    assert str(found["jeff", "google"][0]).startswith("515d2f96")
    assert str(found["jeff", "meta"][0]).startswith("df3e2809")
