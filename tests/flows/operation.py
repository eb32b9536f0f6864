"""A copy of this project that operates a home of its own, and how its server is asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flow_world import FRESH

from activation.home import open_home
from activation.operations import ask, read_address
from activation.settings import PROJECT

PARTS = (
    "activation",
    "flows",
    "macros",
    "models",
    "seeds",
    "dbt_project.yml",
    "profiles.yml",
    "prefect.yaml",
)
# So that a few people are too many for these campaigns, and they have to wait for their approver.
LIMITS = {"vip_offer": 2000, "weekly_reactivation": 5000}
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def careful(project: Path) -> Path:
    """Make the campaigns of ``LIMITS`` wait for their approver where they have more than two people."""
    for campaign, limit in LIMITS.items():
        file = project / "models" / "campaigns" / f"cmp_{campaign}.sql"
        text = file.read_text()
        assert f"{limit} as approval_above" in text
        file.write_text(text.replace(f"{limit} as approval_above", "2 as approval_above"))
    return project


def copied(project: Path) -> Path:
    """Copy what operates a home, so that a test may change it."""
    project.mkdir(parents=True)
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / part, project / part)
    (project / "tests").mkdir()
    shutil.copytree(PROJECT / "tests" / "dbt", project / "tests" / "dbt")
    return project


class Operation:
    """A home, the project that operates it, and its server."""

    def __init__(self, project: Path, home: Path, environment: dict[str, str] | None = None) -> None:
        self.project, self.home = project, home
        self.environment = environment or {}
        self.notes: dict[str, float] = {}

    def muster(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "activation", *arguments],
            cwd=self.project, env=os.environ | self.environment | {"MUSTER_HOME": str(self.home)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def supply(self) -> None:
        """Put the small sample into the inbox, and rows that say that its feeds are fresh."""
        self.muster("sample", "--small")
        for table, rows in FRESH.items():
            (self.home / "inbox" / table / "fresh.csv").write_text(rows)

    @property
    def api(self) -> str:
        address = read_address(open_home(self.home))
        assert address is not None
        return f"http://127.0.0.1:{address['port']}/api"

    def told(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the server answers; a busy one is asked again."""
        return wait(lambda: ask(f"{self.api}{path}", body), lambda answer: answer is not None, 180)

    def start(self, deployment: str, parameters: dict[str, Any]) -> str:
        (found,) = self.told("/deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        made = self.told(
            f"/deployments/{found['id']}/create_flow_run",
            {
                "parameters": found["parameters"] | parameters,
                "state": {"type": "SCHEDULED"},
                "idempotency_key": uuid.uuid4().hex,  # asked again, it is the same flow run
            },
        )
        return str(made["id"])

    def run(self, flow_run: str) -> dict[str, Any]:
        return dict(self.told(f"/flow_runs/{flow_run}"))

    def until(self, flow_run: str, *states: str, seconds: float = 240.0) -> dict[str, Any]:
        return wait(lambda: self.run(flow_run), lambda run: run["state"]["type"] in states, seconds)

    def answer(self, flow_run: str, **word: object) -> None:
        """What the form in the UI posts; the form itself is there a moment after the flow run is suspended."""
        url = f"{self.api}/flow_runs/{flow_run}/resume"
        wait(
            lambda: ask(url, {"run_input": word}), lambda done: bool(done) and done["status"] == "ACCEPT", 60
        )

    def digest(self, run_id: str) -> str:
        """What an approver says that they were shown."""
        manifest = self.home / "ledger" / "runs" / run_id / "frozen" / "manifest.json"
        return str(json.loads(manifest.read_text())["digest"])

    def last_task(self, flow_run: str, name: str) -> dict[str, Any]:
        """The last run of one task in a flow run."""
        body = {"flow_runs": {"id": {"any_": [flow_run]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 200}
        found = self.told("/task_runs/filter", body)
        return dict(next(each for each in found if each["name"].startswith(f"{name}-")))

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Keep a worker from taking anything up; what it runs goes on."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def look_from_outside(self) -> int:
        """The exit code of the dead-man's switch."""
        return subprocess.run(
            [sys.executable, "-m", "flows.operate", "deadman", "--home", str(self.home)],
            cwd=self.project, env=os.environ | self.environment, capture_output=True, check=False,
        ).returncode  # fmt: skip

    def alarms(self) -> list[dict[str, Any]]:
        file = self.home / "prefect" / "alarms.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def pid(self, name: str) -> int:
        return int((self.home / "prefect" / f"{name}.pid").read_text())


def wait(look: Callable[[], Any], is_so: Callable[[Any], bool], seconds: float) -> Any:
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if is_so(seen):
            return seen
        assert time.monotonic() < until, f"not so after {seconds} s: {seen}"
        time.sleep(0.5)


def engines_below(mark: str) -> list[int]:
    """Flow runs' processes of an operation: they bear its mark, and the id of their flow run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            values = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if f"MUSTER_OPERATION={mark}".encode() in values and any(
            v.startswith(b"PREFECT__FLOW_RUN_ID=") for v in values
        ):
            found.append(int(file.parent.name))
    return found
