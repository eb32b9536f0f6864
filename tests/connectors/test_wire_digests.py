"""Google's and Meta's digests of hundreds of nasty addresses, against the official formatters: Python and SQL alike."""

# ruff: noqa: RUF001 - letters that look like others are what this is about
from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator

import duckdb
import pytest
from facebook_business.adobjects.helpers.customaudiencemixin import CustomAudienceMixin
from google.ads.datamanager_util.format import Encoding, Formatter

from activation.connectors import hashing

BLANKS = [chr(code) for code in range(0x3001) if chr(code).isspace()]
LETTERS = [
    *"aAzZ0_-+.'\"&@<>\\%{}[]()|~^$*?!#/=`;:,",
    *"äÄßẞéÉøØłŁžŽñÑçÇıİğĞ",
    *"σΣςΩΆΐ",
    *"жЖёЁЇґ",
    *"ﬃﬁǅǆⅧⓐＡｚK",
    *"你好あア한عבก",
    "\u0301",
    "\u0307",
    "\u200b",
    "\u200d",
    "\u2011",
    "\ufeff",
    "\U0001f600",
    "\U00010400",
    "\x0b",
    "\x00",
]
EMAILS = [
    None,
    "",
    " ",
    ".",
    "@",
    "a@",
    "@b",
    "nobody",
    "a@b",
    "a@b@example.com",
    "a b@example.com",
    "...@gmail.com",
    "+@gmail.com",
    "+x@gmail.com",
    ".+x@googlemail.com",
    "A.N.N+news@GoogleMail.com",
    "a.n.n+news@example.com",
    "a.n.n+news@gmail.com.example.com",
    "a.n.n+x+y@GMAIL.COM",
    "ann@sub.gmail.com",
    ".ann.@example.com.",
    "\x00ann@example.com\x00",
    "ΟΔΥΣΣΕΥΣ@example.com",
    "ΟΔΥΣΣΕΥΣ.Σ@example.com",
    "ΑΣΑ.ΣΑΣ@ΑΣ.ΑΣ",
    "Σ@Σ.example.com",
    "İSTANBUL@example.com",
    "STRAẞE@example.com",
]
PHONES = [
    None,
    "",
    " ",
    "+",
    "++1",
    "no digits",
    "+1 (800) 555-0100",
    "   +1-800-555-0100",
    "1-800-555-0100   ",
    "1.800.555.0100 x12",
    "00442079460018",
    "+44 (0)20 7946 0018",
    "(020) 7946 0018",
    "8 (912) 345-67-89",
    "+1\u00a0800\u2011555\u20110100",
    "\u202a+15550100123\u202c",
    "tel:+1-555-0100",
    "١٢٣٤٥٦",
    "۱۲۳+۴۵۶",
    "१२३४",
    "１２３４",
    "𝟏𝟐𝟑",
    "²³¹⅓①Ⅷ",
    "1e5",
    "-1",
    "0",
    "000",
    "1" * 40,
]


def generated() -> Iterator[str]:
    """Yield 400 addresses of nasty letters around at most one or two ``@``, the same in every run."""
    draw = random.Random(20171122)
    for number in range(400):
        local, domain = ("".join(draw.choices(LETTERS, k=draw.randint(0, 6))) for _ in range(2))
        domain = draw.choice([domain, "gmail.com", "GoogleMail.com", "Example.com"])
        outside = ["".join(draw.choices([*BLANKS, ".", "", ""], k=2)) for _ in range(2)]
        yield f"{outside[0]}{local}{'@' if number % 20 else ''}{domain}{outside[1]}"


def numbers() -> Iterator[str]:
    draw = random.Random(20171122)
    for _ in range(200):
        yield "".join(draw.choices([*"0123456789", *"+-(). x", *"٠٣۵९９", *BLANKS], k=draw.randint(0, 16)))


def official_google(kind: str) -> Callable[[str | None], str | None]:
    formatter = Formatter()
    process = formatter.process_email_address if kind == "email" else formatter.process_phone_number

    def digest(value: str | None) -> str | None:
        try:
            return process(value, Encoding.HEX)
        except ValueError:
            return None

    return digest


def official_meta(kind: str) -> Callable[[str | None], str | None]:
    schema = CustomAudienceMixin.Schema.MultiKeySchema
    key = schema.email if kind == "email" else schema.phone

    def digest(value: str | None) -> str | None:
        """Hash as the SDK does, but for nothing, of which it sends the digest; Meta wants an unknown key empty."""
        params = CustomAudienceMixin.format_params([key], [[value or ""]], is_raw=True)
        found = str(params["payload"]["data"][0][0])
        return None if found == hashlib.sha256(b"").hexdigest() else found

    return digest


CASES = {
    "google_email": (hashing.google_email, hashing.google_email_sql, official_google("email")),
    "google_phone": (hashing.google_phone, hashing.google_phone_sql, official_google("phone")),
    "meta_email": (hashing.meta_email, hashing.meta_email_sql, official_meta("email")),
    "meta_phone": (hashing.meta_phone, hashing.meta_phone_sql, official_meta("phone")),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_digests_equal_the_official_formatters(case: str) -> None:
    ours, sql, official = CASES[case]
    values = [*EMAILS, *generated()] if case.endswith("email") else [*PHONES, *numbers()]
    values += [f"{blank}Ann@example.com{blank}" for blank in BLANKS] + [f"+1{blank}555" for blank in BLANKS]
    assert len(set(values)) >= 200
    expected = [official(value) for value in values]
    assert sum(digest is not None for digest in expected) >= 100
    assert [ours(value) for value in values] == expected
    query = f"select {sql('value')} from (select unnest($1::varchar[]) as value)"
    found = [row[0] for row in duckdb.execute(query, [values]).fetchall()]
    different = [value for value, one, other in zip(values, found, expected, strict=True) if one != other]
    assert different == []
