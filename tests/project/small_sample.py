"""The small sample in a home of its own, and dbt on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from activation.clock import clock_of, parse_moment
from activation.content import load_templates, templates_table
from activation.home import World, open_home
from activation.landing.own import land_table
from activation.run import land_step
from activation.sample import sample
from activation.settings import PROJECT

AS_OF = parse_moment("2017-11-22T14:00")


@dataclass(frozen=True)
class Built:
    """A rehearsal home with the small sample, and what one dbt build of everything made of it."""

    home: Path
    warehouse: Path
    target: Path
    output: str
    code: int

    def artifact(self, name: str) -> dict[str, Any]:
        """Read one of dbt's artifacts, such as ``manifest``."""
        return dict(json.loads((self.target / f"{name}.json").read_text()))


def run_dbt(
    arguments: Sequence[str], project: Path, home: Path, warehouse: Path, target: Path
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MUSTER_HOME": str(home),
        "MUSTER_WAREHOUSE": str(warehouse),
    }
    command = [sys.executable, "-m", "dbt.cli.main", "--warn-error", *arguments, "--no-partial-parse"]
    command += ["--project-dir", str(project), "--profiles-dir", str(project)]
    command += ["--target-path", str(target), "--log-path", str(target / "logs")]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def build_everything(root: Path) -> Built:
    home = open_home(root / "home", World.REHEARSAL)
    sample(home, small=True)
    land_step(home, clock_of(home), AS_OF)
    land_table(home, "muster.templates", templates_table(load_templates()), AS_OF - timedelta(hours=1))
    warehouse, target = root / "muster.duckdb", root / "target"
    done = run_dbt(["build"], PROJECT, home.path, warehouse, target)
    return Built(home.path, warehouse, target, done.stdout + done.stderr, done.returncode)
