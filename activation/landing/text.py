"""Reading lines of text that may be broken: each record keeps its line number, a bad one costs itself alone.

CSV is read by Python's own parser and not by the engine's, because the engine numbers accepted rows, not
lines, and gives up on a whole file over one byte that is no UTF-8.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from activation.errors import LandingError

BATCH = 50_000
BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")  # what Excel calls Unicode text
# What is wrong with a record before any of its columns is looked at; the position is its code.
FAULTS = (
    "",
    "the line has more or fewer values than the header",
    "the line is not UTF-8",
    "the line is no JSON object",
    "the line holds a value that is too long",
)
WRONG_LENGTH, NOT_UTF8, NOT_JSON, TOO_LONG = 1, 2, 3, 4


class Record(NamedTuple):
    """One record: the line it starts on, its values (CSV), or its text where ``fault`` is not 0."""

    line: int
    values: Sequence[str]
    text: str = ""
    fault: int = 0


class _Lines:
    """The lines of a file, decoded; remembers those of the record that is being read."""

    def __init__(self, file: Path) -> None:
        self._source = file.open("rb")
        self._held: list[tuple[str, bool]] = []

    def __iter__(self) -> Iterator[str]:
        with self._source as source:
            start = source.read(len(BOM))
            if start != BOM:
                source.seek(0)
            for text, is_damaged in _utf16(source) if start[:2] in UTF16_BOMS else _utf8(source):
                self._held.append((text, is_damaged))
                yield text

    def take(self) -> list[tuple[str, bool]]:
        """Hand over the lines read since the last call, each with whether it was not UTF-8."""
        held, self._held = self._held, []
        return held


def _utf8(source: BinaryIO) -> Iterator[tuple[str, bool]]:
    for line in source:
        try:
            yield line.decode("utf-8"), False
        except UnicodeDecodeError:
            yield line.decode("utf-8", "backslashreplace"), True


def _utf16(source: BinaryIO) -> Iterator[tuple[str, bool]]:
    for text in io.TextIOWrapper(source, "utf-16", errors="replace", newline="\n"):
        yield text, "\ufffd" in text


def read_csv(file: Path) -> tuple[list[str], Iterator[Record]]:
    """Read the header and the records of a CSV file with ``,``, ``;`` or tab between values, UTF-8 or UTF-16.

    Where a stray quote swallows the lines after it, those lines are read again one by one. Raises
    ``LandingError`` where there is no header.
    """
    lines = _Lines(file)
    source = iter(lines)
    first = next(source, "")
    if not first.strip() or "\0" in first or any(is_damaged for _, is_damaged in lines.take()):
        raise LandingError("has no header line in UTF-8")
    delimiter = max(",;\t", key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    return header, _records(lines, source, delimiter, len(header))


def _records(lines: _Lines, source: Iterator[str], delimiter: str, width: int) -> Iterator[Record]:
    reader = csv.reader(source, delimiter=delimiter)
    number = 2
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            values = []
        held = lines.take()
        if len(values) == width and (not held[0][1] if len(held) == 1 else not any(bad for _, bad in held)):
            yield Record(number, values)
        else:
            yield from _one_by_one(held, number, delimiter, width)
        number += len(held)


def _one_by_one(held: list[tuple[str, bool]], number: int, delimiter: str, width: int) -> Iterator[Record]:
    for line, (text, is_damaged) in enumerate(held, number):
        try:
            values = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error:
            values = []
        if is_damaged:
            yield Record(line, [], text.rstrip("\r\n"), NOT_UTF8)
        elif len(values) == width:
            yield Record(line, values)
        elif len(text) > csv.field_size_limit():
            yield Record(line, [], text.rstrip("\r\n"), TOO_LONG)
        elif text.strip():
            yield Record(line, [], text.rstrip("\r\n"), WRONG_LENGTH)


def read_lines(file: Path) -> Iterator[Record]:
    """Read a file of one JSON object on each line, as text."""
    lines = _Lines(file)
    for number, text in enumerate(lines, 1):
        ((_, is_damaged),) = lines.take()
        if text.strip():
            yield Record(number, [], text.rstrip("\r\n"), NOT_UTF8 if is_damaged else 0)
