"""What became of the files in the inbox. Counts, names and row numbers; never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FileReport:
    """One file. ``reasons`` counts quarantined rows by sentence; rows are lines where the file is text.

    ``erased`` rows are about people who were erased: nothing of them was kept, and nothing is wrong with the file.
    """

    table: str
    file: str
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    first_bad_row: int | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    unknown_columns: tuple[str, ...] = ()
    is_already_landed: bool = False
    is_set_aside: bool = False
    erased: int = 0


@dataclass(frozen=True)
class LoadReport:
    """What one landing did. ``problems`` has a sentence for each thing that a person should look at."""

    files: tuple[FileReport, ...]
    problems: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each file with columns that the contract does not know; they pass by."""
        return tuple(
            f"{file.table.replace('.', '/')}/{file.file}: not in the contract, and left out: "
            f"{', '.join(file.unknown_columns)}"
            for file in self.files
            if file.unknown_columns
        )

    @property
    def landed(self) -> int:
        """Rows that are in the landing zone now and were not before."""
        return sum(file.landed for file in self.files)

    @property
    def quarantined(self) -> int:
        """Rows that were set aside."""
        return sum(file.quarantined for file in self.files)

    @property
    def erased(self) -> int:
        """Rows about people who were erased."""
        return sum(file.erased for file in self.files)

    @property
    def set_aside(self) -> int:
        """Files that were set aside whole."""
        return sum(file.is_set_aside for file in self.files)

    @property
    def quarantine_share(self) -> float:
        """Set-aside rows as a share of the rows read; 0 where nothing was read."""
        return self.quarantined / max(sum(file.read for file in self.files), 1)
