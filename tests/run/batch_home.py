"""A home with example data and a running sandbox, driven by the real command line."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pytest

from activation.cli import invoke

PROJECT = Path(__file__).parents[2]
PARTS = ("activation", "macros", "models", "seeds", "tests/dbt", "dbt_project.yml", "profiles.yml")
# Commands that change nothing of a run and ask nothing of its project. All others are processes of their own.
ONLY_ASK = {"doubt", "explain", "sample", "status"}
WEDNESDAY, NEXT_WEDNESDAY = "2017-11-22T14:00", "2017-11-29T14:00"


@dataclass(frozen=True)
class Home:
    """A home, and the project whose command line drives it."""

    path: Path
    project: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "activation", *arguments]

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        return kept | {"MUSTER_HOME": str(self.path), "PYTHONPATH": str(self.project)} | extra

    def muster(self, *arguments: str, expect: int = 0, **extra: str) -> str:
        """Run a command and give what it said: in a process of its own, as its user would, unless it only asks."""
        if arguments[0] in ONLY_ASK:
            return self.asked(*arguments, expect=expect, **extra)
        done = subprocess.run(
            self.command(*arguments), cwd=self.project, env=self.environment(**extra),
            capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def asked(self, *arguments: str, expect: int = 0, **extra: str) -> str:
        """What a command says, without the seconds that a process takes to start: for one that leaves nothing."""
        out, err = io.StringIO(), io.StringIO()
        environment = mock.patch.dict(os.environ, self.environment(**extra), clear=True)
        with environment, redirect_stdout(out), redirect_stderr(err):
            code = invoke(list(arguments))
        said = out.getvalue() + err.getvalue()
        assert code == expect, f"exit {code}\n{said}"
        return said

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.muster(*arguments, "--json", expect=expect))

    def accepted(self) -> list[dict[str, Any]]:
        """What the outside world got, by the sandbox's own word."""
        file = self.path / "sandbox" / "accepted.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def dropped(self) -> list[dict[str, Any]]:
        """What was handed over in files: their rows, each with its destination."""
        rows: list[dict[str, Any]] = []
        for file in sorted((self.path / "drops").rglob("*.*")):
            with file.open(newline="") as lines:
                if file.suffix == ".jsonl":
                    rows += [{"destination": file.parent.name} | json.loads(line) for line in lines]
                elif file.suffix == ".csv":
                    rows += [{"destination": file.parent.name} | row for row in csv.DictReader(lines)]
        return rows

    def contacted_twice(self) -> list[tuple[str, str]]:
        """Campaigns and addresses that one message reached more than once; a company may well get several tasks."""
        sent = Counter(
            (row["campaign"] or row["message_id"], row["address"])
            for row in self.accepted()
            if "address" in row
        )
        return [key for key, count in sent.items() if count > 1]

    def rows(self, query: str, run_id: str = "20171122T140000Z") -> list[tuple[Any, ...]]:
        """Ask the frozen run; ``{name}`` stands for one of its tables."""

        class Tables(dict[str, str]):
            def __missing__(self, name: str) -> str:
                return f"'{folder}/{name}.parquet'"

        folder = self.path / "ledger" / "runs" / run_id / "frozen"
        return duckdb.connect().execute(query.format_map(Tables())).fetchall()

    def drop(self, table: str, name: str, text: str) -> None:
        folder = self.path / "inbox" / table.replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def states(self, run_id: str = "20171122T140000Z") -> dict[str, dict[str, int]]:
        (run,) = [run for run in self.json("status")["runs"] if run["run_id"] == run_id]
        return run["states"]


@pytest.fixture(scope="module")
def make_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Home]]:
    """Makes homes with example data and a sandbox; all sandboxes end with the module."""
    homes: list[Home] = []

    def make(*options: str, project: Path = PROJECT) -> Home:
        home = Home(tmp_path_factory.mktemp("home") / "var", project)
        home.muster("sample", *(options or ("--small",)))
        homes.append(home)
        home.muster("sandbox", "--detach")
        return home

    yield make
    for home in homes:
        home.asked("sandbox", "--stop")


@dataclass(frozen=True)
class FirstBatch:
    """A home after its first run of all campaigns, and a copy of it, for two stories that go on from there."""

    home: Home
    copy: Home


@pytest.fixture(scope="session")
def first_batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstBatch]:
    """One run for two modules. Who uses it is of the xdist group ``first-batch``, so that one process runs it once."""
    root = tmp_path_factory.mktemp("first")
    made = FirstBatch(Home(root / "var", PROJECT), Home(root / "copy", PROJECT))
    made.home.muster("sample", "--small")
    made.home.muster("sandbox", "--detach")
    made.home.muster("run", "--as-of", WEDNESDAY)
    made.home.asked("sandbox", "--stop")
    shutil.copytree(made.home.path, made.copy.path)
    for home in (made.home, made.copy):
        home.muster("sandbox", "--detach")
    yield made
    for home in (made.home, made.copy):
        home.asked("sandbox", "--stop")


@pytest.fixture(scope="module")
def copy_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Copies the project and replaces texts in it: ``{file: (old, new)}``."""

    def copy(changes: dict[str, tuple[str, str]]) -> Path:
        target = tmp_path_factory.mktemp("project")
        for part in PARTS:
            source, place = PROJECT / part, target / part
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place)
        for name, (old, new) in changes.items():
            file = target / name
            text = file.read_text() if file.exists() else ""
            assert old in text, f"{name} has no {old!r}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace(old, new) if old else new)
        return target

    return copy
