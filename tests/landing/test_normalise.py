"""One form for every spelling of an address, and SQL that agrees with the library on the plain ones."""

from __future__ import annotations

import itertools

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.landing.normalise import email, email_sql, register_emails

LONG_LABEL = "a" * 63


def normalised(addresses: list[str | None]) -> list[str | None]:
    """Normalise as landing does."""
    with duckdb.connect(config={"autoload_known_extensions": "false"}) as connection:
        connection.execute(
            "create table given as select unnest($1::varchar[]) as email, unnest(range(len($1))) as row",
            [addresses],
        )
        register_emails(connection, "given", "email")
        found = connection.execute(
            f"select {email_sql('given.email', 'emails.normalised')} from given "
            "left join emails on given.email = emails.given order by row"
        ).fetchall()
    return [value for (value,) in found]


SAME = {
    "ada@example.com": ["ada@example.com", " Ada@Example.COM\r\n", "\u200bADA@example.com\u00a0",
                        "\ufeffada@example.com"],
    "ada.b+news@example.com": ["Ada.B+news@example.com"],
    "zoë@example.com": ["zoë@example.com", "ZOE\u0308@example.com", "zoe\u0308@EXAMPLE.com"],
    "ada@xn--bcher-kva.example": ["ada@bücher.example", "Ada@BÜCHER.example", "ada@bu\u0308cher.example",
                                  "ada@XN--BCHER-KVA.example", "ada@bücher。example"],
    f"ada@{LONG_LABEL}.example": [f"ada@{LONG_LABEL}.example"],
    f"{'a' * 64}@example.com": [f"{'a' * 64}@example.com"],
    "a@b.c": ["a@b.c"],
    "o'neil_%&$@a-b.example.com": ["O'Neil_%&$@a-b.example.com"],
    "אדה@example.com": ["אדה@example.com"],
}  # fmt: skip
NONE = [
    None, "", " ", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "a@b@example.com",
    "a..b@example.com", ".a@example.com", "a.@example.com", "a b@example.com", '"a b"@example.com', "a,b@example.com",
    "Ada <ada@example.com>", "ada@-example.com", "ada@example-.com", "ada@exa_mple.com", "ada@example.c0m1",
    "ada@example.com.", "ada@.example.com", "ada@example..com", "ada@[127.0.0.1]", "ada@127.0.0.1",
    "ada@mail.local", "ada@mail.test", "ada@mail.invalid", "ada@localhost", "ada@ab--cd.example", "ada@xn--a.example",
    f"ada@{LONG_LABEL}a.example", f"{'a' * 65}@example.com", f"ada@{'a.' * 126}example",
    "x" * 1_000_000 + "@example.com", "x@" * 500_000,
    "ada\u202e@example.com", "ada@exam\u200bple.com", "ada\x00@example.com", "ada\uff20example.com",
    "mailto:ada@example.com",
]  # fmt: skip


@pytest.mark.parametrize("form", SAME)
def test_every_spelling_of_an_address_has_one_form(form: str) -> None:
    assert normalised([*SAME[form]]) == [form] * len(SAME[form])


def test_what_is_no_address_has_no_form() -> None:
    assert dict(zip(NONE, normalised(NONE), strict=True)) == dict.fromkeys(NONE)


def test_a_form_is_its_own_form() -> None:
    assert normalised([*SAME]) == [*SAME]


# Pieces of which addresses, and what only looks like one, are made.
PIECES = ["a", "B", "7", "-", "--", ".", "+", "_", "'", "@", "xn--", "example.com", "test", "arpa", "é", "e\u0301", "ß",
          "İ", "\u212a", " ", "\u200b", "\t", "\\", '"', "(", LONG_LABEL]  # fmt: skip


def agrees(addresses: list[str]) -> None:
    outer = "".join(map(chr, (9, 10, 11, 12, 13, 32, 160, 0x200B, 0x200E, 0x200F, 0x3000, 0xFEFF)))
    expected = [email(address.strip(outer)) for address in addresses]
    assert dict(zip(addresses, normalised([*addresses]), strict=True)) == dict(
        zip(addresses, expected, strict=True)
    )


def test_plain_addresses_are_judged_in_sql_as_the_library_judges_them() -> None:
    agrees(["".join(parts) for parts in itertools.product(PIECES[:14], repeat=3)])
    domains = ["".join(parts) for parts in itertools.product([*PIECES[:7], *PIECES[10:14]], repeat=4)]
    agrees([f"a@{domain}" for domain in domains])
    agrees([f"{local}@example.com" for local in ("".join(p) for p in itertools.product(PIECES, repeat=3))])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=8).map("".join),
        min_size=20,
        max_size=60,
        unique=True,
    )
)
def test_whatever_is_given_sql_and_the_library_agree(addresses: list[str]) -> None:
    agrees([address for address in addresses if "\x00" not in address])
    agrees([f"{address}@example.com" for address in addresses if "\x00" not in address])
