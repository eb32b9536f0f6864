"""A thousand rows that no contract can take, between rows that look odd and are good.

Each malformed row carries a text of its own (``nightjar-0001``), so that a search shows where it came to lie.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from typing import Any

import pyarrow as pa

DAY = "2026-03-01 10:00:00"
MOMENT = datetime.fromisoformat(DAY)
MEGABYTE = 1_000_000

# Good, however odd: none of this may be changed or lost.
ODD = cycle(
    ["=cmd|' /C calc'!A0", "+15550100", "@SUM(A1)", "-2+3", "null", "NULL", "None", "\\N", "00501", "1e5", "TRUE",
     "O'Brien", 'A "quoted" name', "two\nlines", "a,b;c\td", "\u05e9\u05e8\u05d4", "\u0645\u062d\u0645\u062f",
     "Zo\u00eb", "\U0001f600", "x" * 60_000, "\u200f\u05e9\u05e8\u05d4\u200f", "%s{}", "'; drop table x; --"]
)  # fmt: skip


@dataclass
class Malformed:
    """A file: its table, name and content; the good rows that must come out, and by row number the canaries."""

    table: str
    name: str
    content: bytes | pa.Table = b""
    good: list[dict[str, Any]] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)


class Canaries:
    """Texts that occur once."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"nightjar-{self.count:04d}"


Profile = dict[str, str]
COLUMNS = [
    "profile_id",
    "source_system",
    "email",
    "first_name",
    "birth_date",
    "postal_code",
    "created_at",
    "updated_at",
]


def profile(number: int, **other: str) -> Profile:
    return {
        "profile_id": f"g{number}", "source_system": "crm", "email": f"person{number}@example.com",
        "first_name": "Ada", "birth_date": "1980-02-29", "postal_code": "00501", "created_at": DAY, "updated_at": DAY,
    } | other  # fmt: skip


def line(values: Profile) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values.values())
    return buffer.getvalue().encode()


CSV_FAULTS: list[Callable[[int, str], bytes]] = [
    lambda n, c: line(profile(n, first_name=c)).replace(c.encode(), c.encode() + b"\xff\xfe"),
    lambda n, c: line(profile(n, first_name=c + "\0")),
    lambda _, c: f"{c},crm\n".encode(),
    lambda n, c: line(profile(n, updated_at=f"{DAY},{c}")).replace(b'"', b""),
    lambda n, c: line(profile(n, created_at=c)),
    lambda n, c: line(profile(n, created_at=f"=cmd|' /C {c}'!A0")),
    lambda n, c: line(profile(n, created_at="0000-00-00 00:00:00", first_name=c)),
    lambda n, c: line(profile(n, updated_at="9999-12-31", first_name=c)),
    lambda n, c: line(profile(n, updated_at="null", first_name=c)),
    lambda n, c: line(profile(n, birth_date=c)),
    lambda n, c: line(profile(n, birth_date="0000-00-00", first_name=c)),
    lambda n, c: line(profile(n, birth_date="2021-02-29", first_name=c)),
    lambda _, c: line(profile(0, profile_id="", first_name=c)),
    lambda n, c: line(profile(n, source_system="  ".strip(), email=f"{c}@example.com")),
    lambda n, c: b'"' + line(profile(n, first_name=c)),
    lambda n, c: line(profile(n, first_name=c)).replace(c.encode(), b'"can"' + c.encode()),
    lambda n, c: line(profile(n, first_name=c + "x" * 70_000)),
]


def csv_file(canaries: Canaries, count: int) -> Malformed:
    made = Malformed("crm.profiles", "people.csv")
    content = bytearray(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\n")
    faults = cycle(CSV_FAULTS)
    for number in range(count):
        good = profile(
            number, first_name=next(ODD), birth_date=["0001-01-01", "1980-02-29", "9999-12-31"][number % 3]
        )
        made.good.append(good)
        content += line(good)
        canary = canaries.next()
        made.bad[content.count(b"\n") + 1] = canary
        fault: Callable[[int, str], bytes] = (
            next(faults) if number % 100 else (lambda n, c: line(profile(n, first_name=c + "x" * MEGABYTE)))
        )
        content += fault(number, canary)
    made.content = bytes(content)
    return made


def answer(number: int, **other: Any) -> dict[str, Any]:
    return {
        "response_id": f"g{number}", "profile_id": f"p{number}", "survey": "nps", "score": 9, "comment": "fine",
        "submitted_at": DAY,
    } | other  # fmt: skip


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


JSON_FAULTS: list[Callable[[int, str], bytes]] = [
    lambda _, c: c.encode(),
    lambda _, c: f'{{"response_id": "{c}'.encode(),
    lambda _, c: dumped([c]),
    lambda _, c: dumped(c),
    lambda n, c: dumped(answer(n, comment=c)).replace(c.encode(), c.encode() + b"\xc3\x28"),
    lambda n, c: dumped(answer(n, comment=c)).replace(c.encode(), c.encode() + b"\0"),
    lambda n, c: dumped(answer(n, comment=c + "\0")),
    lambda n, c: dumped(answer(n, comment=c)).replace(c.encode(), c.encode() + b"\\ud800"),
    lambda n, c: dumped(answer(n, score=99_999_999_999, comment=c)),
    lambda n, c: dumped(answer(n, score=c)),
    lambda n, c: dumped(answer(n, score=1.5, comment=c)),
    lambda n, c: dumped(answer(n, score=1e30, comment=c)),
    lambda n, c: dumped(answer(n, submitted_at="0000-01-01", comment=c)),
    lambda n, c: dumped(answer(n, submitted_at="9999-12-31T00:00:00Z", comment=c)),
    lambda n, c: dumped(answer(n, submitted_at={"at": c})),
    lambda n, c: dumped(answer(n, response_id=None, comment=c)),
    lambda n, c: dumped({key: value for key, value in answer(n, comment=c).items() if key != "survey"}),
    lambda n, c: dumped(answer(n, comment=c)).replace(b'"nps"', b"[" * 40_000 + b"]" * 40_000),
    lambda _, c: b'{"a":' * 5_000 + dumped(c) + b"}" * 5_000,
    lambda n, c: dumped(answer(n, comment=c)).replace(b'"survey": ', b'"survey" '),
]


def json_file(canaries: Canaries, count: int) -> Malformed:
    made = Malformed("feedback.responses", "answers.jsonl")
    lines = []
    faults = cycle(JSON_FAULTS)
    for number in range(count):
        good = answer(number, comment=next(ODD), score=[0, -3, 2**31 - 1][number % 3])
        made.good.append(good)
        lines.append(dumped(good))
        canary = canaries.next()
        lines.append(
            next(faults)(number, canary)
            if number % 100
            else dumped(answer(number, comment=canary + "x" * MEGABYTE))
        )
        made.bad[len(lines)] = canary
    made.content = b"\xef\xbb\xbf" + b"\n".join(lines)
    return made


def order(number: int, **other: Any) -> dict[str, Any]:
    return {
        "order_id": f"g{number}", "profile_id": b"p", "ordered_at": MOMENT, "status": "paid", "currency": "USD",
        "gross_amount": "10.25", "discount_amount": 0.5, "note": "x",
    } | other  # fmt: skip


PARQUET_FAULTS: list[Callable[[int, str], dict[str, Any]]] = [
    lambda n, c: order(n, profile_id=c.encode() + b"\xff\xfe"),
    lambda n, c: order(n, profile_id=c.encode() + b"\0"),
    lambda n, c: order(n, gross_amount=c),
    lambda n, c: order(n, gross_amount="1e30", note=c),
    lambda n, c: order(n, gross_amount="99999999999999999", note=c),
    lambda n, c: order(n, discount_amount=float("nan"), note=c),
    lambda n, c: order(n, discount_amount=float("inf"), note=c),
    lambda n, c: order(n, ordered_at=None, note=c),
    lambda n, c: order(n, ordered_at=datetime(1, 1, 1), note=c),  # noqa: DTZ001
    lambda n, c: order(n, ordered_at=datetime(9999, 12, 31), note=c),  # noqa: DTZ001
    lambda n, c: order(n, status=c),
    lambda _, c: order(0, order_id=None, note=c),
    lambda _, c: order(0, order_id="", note=c),
    lambda n, c: order(n, currency=None, note=c),
    lambda n, c: order(n, profile_id=c.encode() + b"x" * 70_000),
]


def parquet_file(canaries: Canaries, count: int) -> Malformed:
    made = Malformed("shop.orders", "orders.parquet")
    rows = []
    faults = cycle(PARQUET_FAULTS)
    for number in range(count):
        good = order(number, profile_id=next(ODD).encode())
        rows.append(good)
        made.good.append(good | {"profile_id": good["profile_id"].decode()})
        canary = canaries.next()
        rows.append(
            next(faults)(number, canary)
            if number % 100
            else order(number, profile_id=canary.encode() + b"x" * MEGABYTE)
        )
        made.bad[len(rows)] = canary
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table(columns | {"profile_id": pa.array(columns["profile_id"], pa.binary())})
    ids = table.column("profile_id").chunk(0)
    unchecked = pa.Array.from_buffers(pa.string(), len(ids), ids.buffers())  # as careless writers write it
    made.content = table.set_column(1, "profile_id", unchecked)
    return made


def thousand() -> list[Malformed]:
    """Three files, of 400, 350 and 250 malformed rows, and as many good ones."""
    canaries = Canaries()
    return [csv_file(canaries, 400), json_file(canaries, 350), parquet_file(canaries, 250)]
