"""Two workers, with Prefect's database and the journal on PostgreSQL: two campaigns deliver side by side."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from operation import ENDS, Operation, careful, copied

from activation.home import open_home
from activation.operations import ask, health
from activation.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "postgres"))
from server import create_database, server

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("flows")]

# Both wait for their approver first, so that both are decided before one is delivered.
RUNS = {"daily-digest": "vip_offer", "morning-desk": "weekly_reactivation"}
WORKER_OF = {"daily-digest": "worker-1", "morning-desk": "worker-2"}
SLOW = {"path_prefix": "/", "fault": "sleep:20", "count": 10_000}


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    with server() as postgres:
        yield create_database(postgres), create_database(postgres)


@pytest.fixture(scope="module")
def operation(
    tmp_path_factory: pytest.TempPathFactory, urls: tuple[str, str]
) -> Iterator[tuple[Operation, Sandbox]]:
    prefect, journal = urls
    project = careful(copied(tmp_path_factory.mktemp("workers") / "project"))
    environment = {
        "PREFECT_API_DATABASE_CONNECTION_URL": prefect.replace("postgresql://", "postgresql+asyncpg://"),
        "MUSTER_JOURNAL_URL": journal,
    }
    operated = Operation(project, project.parent / "home", environment)
    operated.supply()
    with Sandbox(open_home(operated.home)) as sandbox:
        operated.muster("up", "--workers", "2")
        try:
            yield operated, sandbox
        finally:
            operated.muster("down")


@pytest.fixture(scope="module")
def story(operation: tuple[Operation, Sandbox]) -> dict[str, Any]:
    operated, sandbox = operation
    told: dict[str, Any] = {"health": health(open_home(operated.home))}
    runs = {
        deployment: operated.start(
            deployment,
            {
                "campaigns": [campaign],
                "as_of": "2017-11-22T14:00",
                "run_id": campaign,
                "sync_within_hours": None,
            },
        )
        for deployment, campaign in RUNS.items()
    }
    told["waits"] = {name: operated.until(run, "PAUSED", *ENDS, seconds=400) for name, run in runs.items()}
    sandbox.script(SLOW)
    for deployment, run in runs.items():
        other = next(worker for name, worker in WORKER_OF.items() if name != deployment)
        word = {"approve": True, "up_to": 1000, "reason": "looked at it", "name": "head-of-crm@example.com"}
        with operated.stopped(other):
            operated.answer(run, **word, content=operated.digest(RUNS[deployment]))
            operated.until(run, "RUNNING", seconds=120)
    told["ended"] = {name: operated.until(run, *ENDS, seconds=400) for name, run in runs.items()}
    told["delivered"] = {name: operated.last_task(run, "deliver") for name, run in runs.items()}
    told["sent"] = Counter((line["campaign"], line["message_id"]) for line in sandbox.accepted())
    return told


def test_both_workers_are_online(story: dict[str, Any]) -> None:
    assert story["health"].workers_online == ("worker-1", "worker-2")
    assert story["health"].problems == ()


def test_two_campaigns_deliver_side_by_side_and_nobody_twice(story: dict[str, Any]) -> None:
    assert {run["state"]["name"] for run in story["waits"].values()} == {"Suspended"}
    assert {run["state"]["type"] for run in story["ended"].values()} == {"COMPLETED"}
    times = [
        tuple(datetime.fromisoformat(task[name]) for name in ("start_time", "end_time"))
        for task in story["delivered"].values()
    ]
    assert max(start for start, _ in times) < min(end for _, end in times)
    assert {campaign for campaign, _ in story["sent"]} == set(RUNS.values())
    assert set(story["sent"].values()) == {1}


def test_each_worker_delivered_one_of_them(
    story: dict[str, Any], operation: tuple[Operation, Sandbox]
) -> None:
    operated, _ = operation
    for deployment, worker in WORKER_OF.items():
        log = (operated.home / "prefect" / f"{worker}.log").read_text()
        assert f"delivered of run {RUNS[deployment]}" in log
    assert story["ended"]


def test_all_of_it_is_in_postgresql(
    story: dict[str, Any], urls: tuple[str, str], operation: tuple[Operation, Sandbox]
) -> None:
    assert story["ended"]
    operated, _ = operation
    counts = []
    for url, query in zip(
        urls, ("select count(*) from flow_run", "select count(*) from requests"), strict=True
    ):
        with psycopg.connect(url) as connection:
            counts.append((connection.execute(query).fetchone() or (0,))[0])  # type: ignore[call-overload]
    assert counts[0] >= len(RUNS)
    assert counts[1] > 0
    assert not (operated.home / "prefect" / "prefect.db").exists()
    assert not (operated.home / "journal.db").exists()
    assert len(ask(f"{operated.api}/work_pools/muster/workers/filter", {})) == 2
