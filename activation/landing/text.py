"""Reading lines of text that may be broken: each record keeps its line number, a bad one costs itself alone.

CSV is read by Python's own parser and not by the engine's, because the engine numbers accepted rows, not
lines, and gives up on a whole file over one byte that is no UTF-8.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
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
    "the line holds a quotation mark out of place",
)
WRONG_LENGTH, NOT_UTF8, NOT_JSON, TOO_LONG, STRAY_QUOTE = 1, 2, 3, 4, 5


class Record(NamedTuple):
    """One record: the line it starts on, its values (CSV), or its text where ``fault`` is not 0."""

    line: int
    values: Sequence[str]
    text: str = ""
    fault: int = 0


class _Lines:
    """The lines of a file, decoded; remembers those of the record that is being read, and can read them again."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("rb")
        start = self._file.read(len(BOM))
        if start != BOM:
            self._file.seek(0)
        self._source = _utf16(self._file) if start[:2] in UTF16_BOMS else _utf8(self._file)
        self._held: list[tuple[str, bool]] = []
        self._again: deque[tuple[str, bool]] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source, None)
        if line is None:
            self._file.close()
            raise StopIteration
        self._held.append(line)
        return line[0]

    def take(self) -> list[tuple[str, bool]]:
        """Hand over the lines read since the last call, each with whether it was not UTF-8."""
        held, self._held = self._held, []
        return held

    def give_back(self, lines: Iterable[tuple[str, bool]]) -> None:
        """Read these lines once more, before any other."""
        self._again.extendleft(reversed(list(lines)))


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

    A stray quote costs its own line: those that it swallowed are read again. Raises ``LandingError`` where there is
    no header.
    """
    lines = _Lines(file)
    first = next(lines, "")
    if not first.strip() or "\0" in first or any(is_damaged for _, is_damaged in lines.take()):
        raise LandingError("has no header line in UTF-8")
    delimiter = max(",;\t", key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    return header, _records(lines, delimiter, len(header))


def _records(lines: _Lines, delimiter: str, width: int) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)  # else "a"b would be read as ab
    number = 2
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            values = []
        held = lines.take()
        if len(values) == width and not any(is_damaged for _, is_damaged in held):
            yield Record(number, values)
            number += len(held)
        else:
            lines.give_back(held[1:])
            yield from _alone(held[0], number, delimiter, width)
            number += 1


def _alone(held: tuple[str, bool], number: int, delimiter: str, width: int) -> Iterator[Record]:
    line, is_damaged = held
    values: list[str] = []
    fault = NOT_UTF8 if is_damaged else WRONG_LENGTH
    try:
        values = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        if not is_damaged:
            fault = TOO_LONG if len(line) > csv.field_size_limit() else STRAY_QUOTE
    if len(values) == width and not is_damaged:
        yield Record(number, values)
    elif line.strip():
        yield Record(number, [], line.rstrip("\r\n"), fault)


def read_lines(file: Path) -> Iterator[Record]:
    """Read a file of one JSON object on each line, as text."""
    lines = _Lines(file)
    for number, text in enumerate(lines, 1):
        ((_, is_damaged),) = lines.take()
        if text.strip():
            yield Record(number, [], text.rstrip("\r\n"), NOT_UTF8 if is_damaged else 0)
