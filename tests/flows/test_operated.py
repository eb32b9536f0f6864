"""One home operated as people operate it: `muster up`, a run that waits for its approver, a kill, and `muster down`.

Real processes throughout: server, worker, flow runs, site, sandbox. The story takes minutes, most of them waiting.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from activation.home import open_home
from activation.operations import ask, health, read_address
from activation.sandbox import Sandbox
from activation.settings import PROJECT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("flows")]

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
# So that a few people are too many for one campaign, and it has to wait.
LIMITS = {
    "cmp_vip_offer.sql": "2000 as approval_above",
    "cmp_weekly_reactivation.sql": "5000 as approval_above",
}
APPROVER = "head-of-crm@example.com"
RUN = {"campaigns": ["vip_offer", "weekly_reactivation"], "as_of": "2017-11-22T14:00", "run_id": "wednesday"}
FRESH = {
    "crm/profiles": "profile_id,source_system,email,created_at,updated_at\n"
    "fresh-1,crm,fresh@example.com,2017-11-19 00:00:00,2017-11-19 00:00:00\n",
    "consent/events": "profile_id,channel,purpose,state,occurred_at\n"
    "fresh-1,email,marketing,withdrawn,2017-11-19 00:00:00\n",
}
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
MARKED_WITHIN = 180.0


class Operation:
    """A home, the project that operates it, and its server."""

    def __init__(self, project: Path, home: Path) -> None:
        self.project, self.home = project, home
        self.notes: dict[str, float] = {}

    def muster(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "activation", *arguments],
            cwd=self.project, env=os.environ | {"MUSTER_HOME": str(self.home)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    @property
    def api(self) -> str:
        address = read_address(open_home(self.home))
        assert address is not None
        return f"http://127.0.0.1:{address['port']}/api"

    def start(self, deployment: str, parameters: dict[str, Any]) -> str:
        (found,) = ask(f"{self.api}/deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        made = ask(
            f"{self.api}/deployments/{found['id']}/create_flow_run",
            {"parameters": found["parameters"] | parameters, "state": {"type": "SCHEDULED"}},
        )
        return str(made["id"])

    def run(self, flow_run: str) -> dict[str, Any]:
        found = ask(f"{self.api}/flow_runs/{flow_run}")
        return dict(found)

    def until(self, flow_run: str, *states: str, seconds: float = 240.0) -> dict[str, Any]:
        return wait(lambda: self.run(flow_run), lambda run: run["state"]["type"] in states, seconds)

    def answer(self, flow_run: str, **word: object) -> None:
        """What the form in the UI posts; the form itself is there a moment after the flow run is suspended."""
        url = f"{self.api}/flow_runs/{flow_run}/resume"
        wait(
            lambda: ask(url, {"run_input": word}), lambda done: bool(done) and done["status"] == "ACCEPT", 60
        )

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


@pytest.fixture(scope="module")
def operation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operation, Sandbox]]:
    project = tmp_path_factory.mktemp("operated") / "project"
    project.mkdir()
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / part, project / part)
    (project / "tests").mkdir()
    shutil.copytree(PROJECT / "tests" / "dbt", project / "tests" / "dbt")
    for name, limit in LIMITS.items():
        file = project / "models" / "campaigns" / name
        assert limit in file.read_text()
        file.write_text(file.read_text().replace(limit, "2 as approval_above"))
    operated = Operation(project, project.parent / "home")
    operated.muster("sample", "--small")
    for table, rows in FRESH.items():
        (operated.home / "inbox" / table / "fresh.csv").write_text(rows)
    with Sandbox(open_home(operated.home)) as sandbox:
        began = time.monotonic()
        operated.muster("up")
        operated.notes["up"] = time.monotonic() - began
        try:
            yield operated, sandbox
        finally:
            operated.muster("down")


def test_all_is_up_within_three_minutes_and_a_second_time_starts_nothing(
    operation: tuple[Operation, Sandbox],
) -> None:
    operated, _ = operation
    assert operated.notes["up"] < 180
    found = health(open_home(operated.home))
    assert found is not None
    assert (found.deployments, found.workers_online, found.problems) == (14, ("worker-1",), ())
    assert "14 deployments" in operated.muster("status")
    pids = [operated.pid(name) for name in ("server", "site", "worker-1")]
    operated.muster("up")
    assert [operated.pid(name) for name in ("server", "site", "worker-1")] == pids


@pytest.fixture(scope="module")
def story(operation: tuple[Operation, Sandbox]) -> dict[str, Any]:
    operated, sandbox = operation
    told: dict[str, Any] = {}
    first = operated.start("daily-digest", RUN | {"sync_within_hours": None})
    told["waits"] = operated.until(first, "PAUSED", *ENDS, seconds=400)
    assert told["waits"]["state"]["type"] == "PAUSED", told["waits"]["state"]["message"]
    told["other run"] = operated.until(operated.start("hygiene", {}), *ENDS)
    told["before"] = sandbox.accepted()
    digest = json.loads((operated.home / "ledger/runs/wednesday/frozen/manifest.json").read_text())["digest"]
    right = {"approve": True, "up_to": 1000, "reason": "looked at it", "name": APPROVER, "content": digest}
    for name, wrong in (
        ("other content", {"content": "0" * 64}),
        ("other person", {"name": "intern@example.com"}),
    ):
        operated.answer(first, **right | wrong)
        operated.until(first, "RUNNING", "PENDING", seconds=60)
        told[name] = operated.until(first, "PAUSED", *ENDS)
        told[f"{name} sent"] = len(sandbox.accepted())
    sandbox.script({"path_prefix": "/twilio/", "fault": "sleep:120", "count": 1000, "after": 2})
    operated.answer(first, **right)
    wait(sandbox.accepted, lambda lines: len(lines) > len(told["before"]), 120)
    mark = read_address(open_home(operated.home))["mark"]  # type: ignore[index]
    for pid in [operated.pid("worker-1"), *engines_below(mark)]:
        os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    told["killed"] = operated.until(first, *ENDS, seconds=MARKED_WITHIN + 60)
    wait(operated.alarms, lambda lines: any(line["kind"] == "crashed" for line in lines), 30)
    told["marked after"] = time.monotonic() - began
    sandbox.script()
    operated.muster("up")
    told["resumed"] = operated.until(operated.start("resume-due", {}), *ENDS)
    second = operated.start("daily-digest", RUN | {"sync_within_hours": None})
    told["second waits"] = operated.until(second, "PAUSED", *ENDS)
    operated.muster("approve", "wednesday", "weekly_reactivation", "--by", APPROVER, "--reason", "by command")
    told["resumed again"] = operated.until(operated.start("resume-due", {}), *ENDS)
    told["second"] = operated.until(second, *ENDS)
    told["after"] = sandbox.accepted()
    return told


def test_a_campaign_above_its_limit_waits_and_holds_nothing(story: dict[str, Any]) -> None:
    assert story["waits"]["state"]["name"] == "Suspended"
    assert story["other run"]["state"]["type"] == "COMPLETED"
    assert story["before"] == []


@pytest.mark.parametrize("name", ["other content", "other person"])
def test_a_word_on_other_content_or_of_somebody_else_is_void(story: dict[str, Any], name: str) -> None:
    assert story[name]["state"]["name"] == "Suspended"
    assert story[f"{name} sent"] == 0


def test_a_killed_delivery_is_marked_and_told_within_three_minutes(story: dict[str, Any]) -> None:
    assert story["killed"]["state"]["type"] == "CRASHED"
    assert story["marked after"] < MARKED_WITHIN


def test_what_was_approved_by_form_and_by_command_is_sent_and_nobody_twice(
    story: dict[str, Any], operation: tuple[Operation, Sandbox]
) -> None:
    operated, _ = operation
    sent = Counter((line["campaign"], line["message_id"]) for line in story["after"])
    assert {campaign for campaign, _ in sent} == set(RUN["campaigns"])
    assert set(sent.values()) == {1}
    assert story["second waits"]["state"]["name"] == "Suspended"
    assert story["second"]["state"]["type"] == "COMPLETED"
    words = sorted((operated.home / "ledger/runs/wednesday/approvals").glob("*.json"))
    kept = {word["campaign"]: word for word in (json.loads(file.read_text()) for file in words)}
    assert len(words) == len(kept) == 2, "what was void left nothing behind"
    assert kept["vip_offer"]["system_user"] == "prefect form"
    assert (kept["vip_offer"]["by"], kept["vip_offer"]["reason"]) == (APPROVER, "looked at it")
    assert kept["weekly_reactivation"]["reason"] == "by command"


def test_what_went_wrong_was_told_with_people_and_what_to_do(
    story: dict[str, Any], operation: tuple[Operation, Sandbox]
) -> None:
    operated, _ = operation
    assert story["after"]
    crashed = [line for line in operated.alarms() if line["kind"] == "crashed"]
    assert len(crashed) == 1
    assert "on call: marketing-on-call@example.com" in crashed[0]["text"]
    assert "What to do: send nothing again by hand" in crashed[0]["text"]
