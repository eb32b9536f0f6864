"""The models over landed homes, one after another, by a project that is parsed once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from activation.home import Home
from activation.ledger import ensure_ledger
from activation.settings import PROJECT


class Workbench:
    """One warehouse and one target directory. The home lies behind a link, so that dbt sees the same place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = root / "target"
        self.warehouse = root / "muster.duckdb"

    def build(self, home: Home, as_of: datetime, select: Sequence[str], *, tests: bool = False) -> str:
        """Build ``select`` and all that it reads; give back what dbt says. Fails where dbt does."""
        ensure_ledger(home)
        link = self.root / "home"
        link.unlink(missing_ok=True)
        link.symlink_to(home.path)
        self.warehouse.unlink(missing_ok=True)
        kinds = ["model", "seed", *(["test"] if tests else [])]
        moments = dict.fromkeys(("as_of", "known_until", "known_at"), f"{as_of:%Y-%m-%d %H:%M:%S}")
        command = [
            sys.executable,
            "-m",
            "dbt.cli.main",
            "build",
            "--select",
            *(f"+{name}" for name in select),
        ]
        command += [part for kind in kinds for part in ("--resource-type", kind)]
        command += ["--indirect-selection", "cautious", "--vars", json.dumps(moments)]
        command += ["--profiles-dir", str(PROJECT), "--project-dir", str(PROJECT)]
        command += ["--target-path", str(self.target), "--log-path", str(self.root / "logs")]
        environment = os.environ | {
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "MUSTER_HOME": str(link),
            "MUSTER_WAREHOUSE": str(self.warehouse),
            "MUSTER_TEMP": str(self.root / "tmp"),
        }
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout + done.stderr

    def rows(self, tables: Sequence[str]) -> dict[str, list[tuple[object, ...]]]:
        """All rows of ``schema.table`` each, in one order."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return {
                table: connection.execute(f"select * from {table} order by all").fetchall()
                for table in tables
            }
