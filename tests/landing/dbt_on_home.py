"""The models over landed homes, one after another, by a project that is parsed once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from activation.build import run_dbt, sql_moment
from activation.home import Home
from activation.ledger import ensure_ledger


class Workbench:
    """One warehouse and one build directory, for one home after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = root / "build" / "target"
        self.warehouse = root / "build" / "muster.duckdb"

    def build(self, home: Home, as_of: datetime, select: Sequence[str], *, tests: bool = False) -> str:
        """Build ``select`` and all that it reads; give back what dbt says. Fails where dbt does."""
        ensure_ledger(home)
        directory = self.root / "build"
        self.warehouse.unlink(missing_ok=True)
        kinds = ["model", "seed", *(["test"] if tests else [])]
        values = dict.fromkeys(("as_of", "known_until", "known_at"), sql_moment(as_of))
        arguments = ["build", "--select", *(f"+{name}" for name in select)]
        arguments += [part for kind in kinds for part in ("--resource-type", kind)]
        code = run_dbt([*arguments, "--indirect-selection", "cautious"], home, directory, values)
        told = (directory / "dbt.log").read_text()
        assert code == 0, told[-4000:]
        return told

    def rows(self, tables: Sequence[str]) -> dict[str, list[tuple[object, ...]]]:
        """All rows of ``schema.table`` each, in one order."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return {
                table: connection.execute(f"select * from {table} order by all").fetchall()
                for table in tables
            }
