"""A person in the files of ``drops/``: lines of messages and members, for whoever takes them in.

A line that asks for a removal stays as long as a set may hold the person: it is what takes them out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from activation.errors import ConfigurationError
from activation.home import Home, fsync_directory, write_atomically
from activation.privacy.identifiers import CUSTOMER, MESSAGE
from activation.privacy.person import Person

# Long enough for any printer or import; afterwards a file is only a copy of personal data.
KEEP_DAYS = 30
KINDS = frozenset({".jsonl", ".csv"})


def drop_files(home: Home) -> list[Path]:
    """The files of all destinations, without their manifests."""
    return [file for file in sorted(home.drops.glob("*/[!.]*")) if file.suffix in KINDS]


def lines_of_person(
    home: Home, person: Person, *, removals: bool = True
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each line about a person, with its file."""
    for file in drop_files(home):
        for _, row in _lines(file):
            if _is_theirs(row, person, removals=removals):
                yield file, row


def take_out(home: Home, person: Person, erasure_id: str, *, removals: bool) -> None:
    """Rewrite the files without the person's lines, and without those that ask for their removal where ``removals``.

    The manifest tells the new rows and digest before the file has them; again is a no-op.
    """
    for file in sorted({file for file, _ in lines_of_person(home, person, removals=removals)}):
        kept = [(text, row) for text, row in _lines(file) if not _is_theirs(row, person, removals=removals)]
        head = file.read_bytes().partition(b"\n")[0] + b"\n" if file.suffix == ".csv" else b""
        content = head + "".join(text for text, _ in kept).encode()
        manifest = file.with_name(f"{file.name}.done")
        if manifest.exists():
            told = _manifest(manifest)
            amended = sorted({*told.get("amended_by", []), erasure_id})
            told |= {"rows": len(kept), "sha256": hashlib.sha256(content).hexdigest(), "amended_by": amended}
            write_atomically(manifest, json.dumps(told, indent=2).encode())
        write_atomically(file, content)


def old_files(home: Home, as_of: datetime) -> tuple[int, list[Path]]:
    """How many files there are, and those that were written too long ago."""
    files = drop_files(home)
    oldest = (as_of - timedelta(days=KEEP_DAYS)).timestamp()
    return len(files), [file for file in files if file.stat().st_mtime < oldest]


def remove(file: Path) -> None:
    """Remove a file and then its manifest: without it, it counts no more."""
    file.with_name(f"{file.name}.done").unlink(missing_ok=True)
    file.unlink(missing_ok=True)
    fsync_directory(file.parent)


def _lines(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each line as it stands, and as a row; a quoted cell of a CSV may go over several lines of text."""
    text = file.read_bytes().decode("utf-8")
    if file.suffix == ".jsonl":
        for line in io.StringIO(text, newline="\n"):
            try:
                yield line, json.loads(line)
            except ValueError:
                raise ConfigurationError(
                    f"{file} is damaged: restore it or remove it, and erase again"
                ) from None
        return
    source = io.StringIO(text, newline="")
    reader = csv.reader(source)
    names = next(reader, [])
    for cells in reader:
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
        yield written.getvalue(), dict(zip(names, cells, strict=False))


def _is_theirs(row: Mapping[str, Any], person: Person, *, removals: bool) -> bool:
    if row.get("operation") == "remove" and not removals:
        return False
    return (CUSTOMER, row.get("customer_id")) in person.known or (
        MESSAGE,
        row.get("message_id"),
    ) in person.known


def _manifest(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        raise ConfigurationError(f"{file} is damaged: restore it or remove it, and erase again") from None
