"""One home operated as people operate it: `muster up`, a run that waits for its approver, a kill, and `muster down`.

Real processes throughout: server, worker, flow runs, site, sandbox. The story takes minutes, most of them waiting.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from operation import ENDS, Operation, careful, copied, engines_below, wait

from activation.home import open_home
from activation.operations import health, read_address
from activation.sandbox import Sandbox

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("flows")]

APPROVER = "head-of-crm@example.com"
RUN = {"campaigns": ["vip_offer", "weekly_reactivation"], "as_of": "2017-11-22T14:00", "run_id": "wednesday"}
MARKED_WITHIN = 180.0
LATE_IS_TOLD_WITHIN = 240.0


@pytest.fixture(scope="module")
def operation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operation, Sandbox]]:
    project = careful(copied(tmp_path_factory.mktemp("operated") / "project"))
    schedule = project / "prefect.yaml"
    head, hygiene, rest = schedule.read_text().partition("  - name: hygiene\n")
    schedule.write_text(head + hygiene + rest.replace("late-after:30m", "late-after:1m", 1))
    operated = Operation(project, project.parent / "home")
    operated.supply()
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
    digest = operated.digest("wednesday")
    right = {"approve": True, "up_to": 1000, "reason": "looked at it", "name": APPROVER, "content": digest}
    for name, wrong in (
        ("other content", {"content": "0" * 64}),
        ("other person", {"name": "intern@example.com"}),
    ):
        operated.answer(first, **right | wrong)
        operated.until(first, "RUNNING", "PENDING")
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
    sandbox.calm()
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


def test_a_run_that_nobody_takes_up_is_told_as_late_and_goes_on_later(
    story: dict[str, Any], operation: tuple[Operation, Sandbox]
) -> None:
    operated, _ = operation
    assert story["after"]
    assert operated.look_from_outside() == 0
    with operated.stopped("worker-1"):
        run = operated.start("hygiene", {})
        late = wait(
            operated.alarms, lambda lines: any(line["kind"] == "late" for line in lines), LATE_IS_TOLD_WITHIN
        )
    assert [line["deployment"] for line in late if line["kind"] == "late"] == ["hygiene"]
    assert operated.until(run, *ENDS)["state"]["type"] == "COMPLETED"


def test_a_server_that_is_killed_is_told_from_outside(
    story: dict[str, Any], operation: tuple[Operation, Sandbox]
) -> None:
    operated, _ = operation
    assert story["after"]
    os.kill(operated.pid("server"), signal.SIGKILL)
    assert operated.look_from_outside() == 3
    assert [line["kind"] for line in operated.alarms()][-1] == "dead"
