"""Signed notes: what erasures changed of frozen runs, so that a run can still be told from a damaged one.

``ledger/erasures/<erasure_id>.note.json`` amends the manifests of the runs it names: rows, content digest and file
digest of each table as it is since. It is signed with the pepper (HMAC-SHA256), and names nobody. The manifest stays
as it was frozen: its digest is what was decided, approved and planned.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from activation import settings
from activation.clock import parse_moment
from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.privacy.register import folder

SUFFIX = ".note.json"


@dataclass(frozen=True)
class Amended:
    """One table of a run since an erasure; ``number`` counts amendments of the home, and the highest is in force."""

    number: int
    rows: int
    digest: str
    file_sha256: str


@dataclass(frozen=True)
class Note:
    """What one erasure amended: tables by run and name."""

    erasure_id: str
    erased_at: datetime
    runs: Mapping[str, Mapping[str, Amended]] = field(default_factory=dict)

    def amending(self, run_id: str, table: str, amended: Amended) -> Note:
        """The same note with one more table."""
        run = {**self.runs.get(run_id, {}), table: amended}
        return Note(self.erasure_id, self.erased_at, {**self.runs, run_id: run})


def write_note(home: Home, note: Note) -> None:
    """Sign a note and bring it to disk, in the place of an earlier state of it."""
    signed = {"note": _plain(note), "hmac": _signature(home, _plain(note))}
    write_atomically(_place(home, note.erasure_id), json.dumps(signed, indent=2).encode())


def read_note(home: Home, erasure_id: str, erased_at: datetime) -> Note:
    """The note of an erasure, empty where it has none yet. Raises ``ConfigurationError`` as :func:`amendments` does."""
    file = _place(home, erasure_id)
    return _read(home, file) if file.exists() else Note(erasure_id, erased_at)


def amendments(home: Home, run_id: str) -> dict[str, Amended]:
    """The tables of a run that erasures amended, as they are now.

    Raises ``ConfigurationError`` where a note is damaged, or was not signed with this home's pepper.
    """
    found: dict[str, Amended] = {}
    for file in sorted(folder(home).glob(f"*{SUFFIX}")):
        for table, amended in _read(home, file).runs.get(run_id, {}).items():
            if table not in found or found[table].number < amended.number:
                found[table] = amended
    return found


def next_number(home: Home) -> int:
    """The number of the next amendment."""
    notes = (_read(home, file) for file in folder(home).glob(f"*{SUFFIX}"))
    numbers = (amended.number for note in notes for run in note.runs.values() for amended in run.values())
    return max(numbers, default=0) + 1


def _place(home: Home, erasure_id: str) -> Path:
    return folder(home) / f"{erasure_id}{SUFFIX}"


def _plain(note: Note) -> dict[str, object]:
    return asdict(note) | {"erased_at": note.erased_at.isoformat()}


def _signature(home: Home, content: Mapping[str, object]) -> str:
    return hmac.digest(settings.pepper(home), json.dumps(content, sort_keys=True).encode(), "sha256").hex()


def _read(home: Home, file: Path) -> Note:
    try:
        signed = json.loads(file.read_text())
        content, signature = signed["note"], str(signed["hmac"])
        runs = {
            run_id: {table: Amended(**amended) for table, amended in tables.items()}
            for run_id, tables in content["runs"].items()
        }
        note = Note(str(content["erasure_id"]), parse_moment(content["erased_at"]), runs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{file} is damaged: restore it from a backup of the home") from None
    if not hmac.compare_digest(signature, _signature(home, content)):
        raise ConfigurationError(
            f"{file} is not signed with this home's pepper: set MUSTER_PEPPER back, or restore the note from a backup"
        )
    return note
