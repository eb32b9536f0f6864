"""A person in quarantine: rows and files that broke a rule, as they came, searched for identifiers.

Nothing there is typed, so this errs towards the person: a line that could not be taken apart goes where one of its
words is an identifier, and a file set aside whole goes where it holds one or cannot be searched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from activation.home import Home, fsync_directory
from activation.landing.contract import write_parquet
from activation.landing.erased import WORD
from activation.landing.normalise import e164
from activation.landing.text import UTF16_BOMS
from activation.privacy.identifiers import CONTACTS, EMAIL, KINDS, ORDER, PHONE
from activation.privacy.person import Person

_WORD = re.compile(WORD)


class Search:
    """Whether something raw holds an identifier of a person."""

    def __init__(self, person: Person) -> None:
        wanted = {(kind, value) for kind, value in person.known if kind != ORDER}
        self._by_kind = wanted
        self._anywhere = {value for kind, value in wanted if kind in CONTACTS}
        self._in_a_line = {value for _, value in wanted}

    def row(self, raw: str | None) -> bool:
        """A quarantined row as it came: a JSON object, or the text of a line."""
        try:
            content = json.loads(raw or "null")
        except ValueError:
            content = raw
        if not isinstance(content, Mapping):
            return self.line(str(content or ""))
        cells = {str(name).strip().lower(): str(cell) for name, cell in content.items() if cell is not None}
        return any(self._cell(name, cell, cells.get("country")) for name, cell in cells.items())

    def line(self, text: str) -> bool:
        """A text of which nothing is known."""
        return any(self._is_among(word, self._in_a_line) for word in _WORD.findall(text))

    def _cell(self, name: str, cell: str, country: str | None) -> bool:
        kind = KINDS.get(name)
        bare = cell.strip()
        if kind and (kind, bare.lower() if kind == EMAIL else bare) in self._by_kind:
            return True
        if kind == PHONE and (PHONE, e164(bare, country) or "") in self._by_kind:
            return True
        return any(self._is_among(word, self._anywhere) for word in _WORD.findall(cell))

    @staticmethod
    def _is_among(word: str, wanted: set[str]) -> bool:
        return word in wanted or ("@" in word and word.lower().strip(".") in wanted)


def row_files(home: Home) -> Iterator[Path]:
    """Files of quarantined rows."""
    return (file for file in sorted(home.quarantine.glob("*/*/*.parquet")) if file.is_file())


def rows_of_person(file: Path, search: Search) -> list[dict[str, Any]]:
    """The quarantined rows of a file that hold an identifier."""
    return [row for row in pq.read_table(file).to_pylist() if search.row(row["raw"])]


def take_out(file: Path, search: Search) -> None:
    """Rewrite a file of quarantined rows without the person's; one without rows goes."""
    table = pq.read_table(file)
    kept = [not search.row(raw) for raw in table["raw"].to_pylist()]
    if all(kept):
        return
    if any(kept):
        write_parquet(file, table.filter(pa.array(kept)))
        return
    file.unlink()
    fsync_directory(file.parent)


def whole_files(home: Home, search: Search) -> list[Path]:
    """Files set aside whole that hold the person, or in which nobody can be looked for."""
    return [file for file in sorted(home.quarantine.glob("*/*/files/*")) if _holds(file, search)]


def _holds(file: Path, search: Search) -> bool:
    try:
        if file.suffix.lower() == ".parquet":
            return any(
                search.line(str(cell))
                for batch in pq.ParquetFile(file).iter_batches()
                for column in batch.columns
                for cell in column.to_pylist()
            )
        with file.open("rb") as content:
            encoding = "utf-16" if content.read(2) in UTF16_BOMS else "utf-8"
        with file.open(encoding=encoding, errors="replace") as lines:
            return any(search.line(line) for line in lines)
    except (OSError, ValueError, pa.ArrowException):
        return True
