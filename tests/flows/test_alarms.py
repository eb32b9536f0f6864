"""Alarms: what they say, that they reach people once without any worker or internet, and the look from outside."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from activation.home import Home, World, open_home
from activation.operations import health
from activation.sandbox import Sandbox
from flows.operate import deadman
from flows.operate.alarm import NEXT, Alarm
from flows.operate.automations import automations, late_after
from flows.operate.place import Place, place_of
from flows.operate.site import make_server

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TAGS = (
    "muster",
    "owner:crm@example.com",
    "on-call:calls@example.com",
    "deliverability:d@example.com",
    "late-after:30m",
)
RUN = "11111111-1111-1111-1111-111111111111"


class Server:
    """A server that answers as Prefect's API does, with what a test lays there."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/api/health": True}
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.dumps(answers.get(self.path, [])).encode()
                self.send_response(200 if self.path in answers or self.command == "POST" else 404)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", create=World.REHEARSAL)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()


@pytest.fixture
def place(home: Home, server: Server) -> Iterator[Place]:
    place = place_of(home, server.http.server_address[1])
    (place.directory / "server.pid").write_text("1")
    site = make_server(place)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield place
    site.shutdown()
    site.server_close()
    thread.join()


def post(url: str, body: object) -> dict[str, Any]:
    request = urllib.request.Request(url, data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as reply:
        return dict(json.loads(reply.read()))


def written(home: Home) -> list[dict[str, Any]]:
    file = home.path / "prefect" / "alarms.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_an_alarm_names_run_people_and_what_to_do() -> None:
    text = Alarm("failed", "daily-digest", "brave-fox", "held: vip_offer: too many", TAGS).text("live")
    assert text.splitlines()[0] == "Muster (live): failed: daily-digest, flow run brave-fox"
    assert "on call: calls@example.com; deliverability: d@example.com; owner: crm@example.com" in text
    assert text.splitlines()[-1].startswith("What to do: read the run's last lines")


def test_the_route_completes_tells_once_and_writes_down(
    home: Home, server: Server, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers[f"/api/flow_runs/{RUN}"] = {
        "name": "brave-fox", "deployment_id": "d1", "state": {"message": "held: vip_offer: too many"},
    }  # fmt: skip
    server.answers["/api/deployments/d1"] = {"name": "daily-digest", "tags": list(TAGS)}
    with Sandbox(home) as sandbox:
        monkeypatch.setenv("MUSTER_SLACK_URL", f"{sandbox.url}/slack/services/T0001/B0001/s3cr3tp4th")
        alarm = {"kind": "failed", "resource": f"prefect.flow-run.{RUN}"}
        assert post(place.alarm_url, alarm) == {"told": True}
        assert post(place.alarm_url, alarm) == {"told": False}
        told = (home.sandbox / "alerts.jsonl").read_text().splitlines()
    assert len(told) == 1
    assert "daily-digest, flow run brave-fox" in told[0]
    (line,) = written(home)
    assert line["problems"] == []
    assert "on call: calls@example.com" in line["text"]


@pytest.mark.parametrize(
    "path", ["alarm/guessed", "home.json", "prefect/address.json", "reports/../home.json", "docs/.x"]
)
def test_the_site_gives_away_nothing_else(place: Place, path: str) -> None:
    (place.home.path / "docs").mkdir()
    (place.home.path / "docs" / ".x").write_text("hidden")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{place.site_url}/{path}", timeout=10)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(f"{place.site_url}/{path}", {"kind": "failed", "resource": f"prefect.flow-run.{RUN}"})
    assert written(place.home) == []


def test_the_site_serves_report_and_catalogue(place: Place) -> None:
    (place.home.path / "docs").mkdir()
    (place.home.path / "docs" / "index.html").write_text("<h1>Catalogue</h1>")
    with urllib.request.urlopen(f"{place.site_url}/docs/", timeout=10) as reply:
        assert reply.read() == b"<h1>Catalogue</h1>"
    with urllib.request.urlopen(f"{place.site_url}/", timeout=10) as reply:
        assert b"Catalogue" in reply.read()


@pytest.mark.parametrize(
    "body", [[], {"kind": "unheard", "resource": f"prefect.flow-run.{RUN}"}, {"kind": "failed"}]
)
def test_the_route_refuses_what_is_no_alarm(place: Place, body: object) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(place.alarm_url, body)
    assert written(place.home) == []


def hourly(created: str = "2026-11-01T00:00:00Z") -> dict[str, Any]:
    schedule = {"active": True, "schedule": {"cron": "0 * * * *", "timezone": "UTC"}}
    return {"id": "d1", "name": "hygiene", "created": created, "tags": list(TAGS), "schedules": [schedule]}


def operated(server: Server, *deployments: dict[str, Any], ended: bool) -> None:
    server.answers["/api/deployments/filter"] = list(deployments)
    server.answers["/api/work_pools/muster/workers/filter"] = [{"name": "worker-1", "status": "ONLINE"}]
    runs = [{"deployment_id": "d1", "next_scheduled_start_time": "2030-01-01T00:00:00Z"}] if ended else []
    server.answers["/api/flow_runs/filter"] = runs


def test_a_missing_run_is_told_and_not_again_before_six_hours(
    home: Home, server: Server, place: Place
) -> None:
    operated(server, hourly(), ended=False)
    (alarm,) = deadman.watch(home, NOW)
    assert (alarm.kind, alarm.deployment) == ("missing", "hygiene")
    assert alarm.words == "no flow run has ended since 2026-11-21 10:00 UTC, when one was due"
    assert deadman.watch(home, NOW + timedelta(hours=5))
    assert len(written(home)) == 1
    deadman.watch(home, NOW + timedelta(hours=6))
    assert len(written(home)) == 2
    operated(server, hourly(), ended=True)
    assert deadman.watch(home, NOW) == []
    assert place.token


def test_a_deployment_younger_than_its_turn_misses_nothing(home: Home, server: Server, place: Place) -> None:
    operated(server, hourly(created="2026-11-21T10:30:00Z"), ended=False)
    assert deadman.watch(home, NOW) == []
    assert place.token


def test_no_worker_is_told(home: Home, server: Server, place: Place) -> None:
    operated(server, ended=False)
    server.answers["/api/work_pools/muster/workers/filter"] = [{"name": "worker-1", "status": "OFFLINE"}]
    assert [alarm.kind for alarm in deadman.watch(home, NOW)] == ["idle"]
    found = health(home)
    assert found is not None
    assert found.problems[0].startswith("no worker is online")
    assert place.token


def test_a_server_that_died_is_told(home: Home) -> None:
    place = place_of(home)
    (place.directory / "server.pid").write_text("1")
    assert [alarm.kind for alarm in deadman.watch(home, NOW)] == ["dead"]
    (line,) = written(home)
    assert "the server does not answer" in line["text"]


def test_there_is_an_automation_for_each_way_to_go_wrong() -> None:
    class Deployment:
        name, id, tags = "daily-digest", "d1", TAGS

    wanted = automations("22222222-2222-2222-2222-222222222222", [Deployment()])  # type: ignore[list-item]
    found = {each.name.removeprefix("muster: "): each for each in wanted}
    assert set(found) == {"failed", "crashed", "stuck", "zombie", "late: daily-digest"}
    assert found["zombie"].trigger.within == timedelta(seconds=90)
    assert found["late: daily-digest"].trigger.within == timedelta(minutes=30)
    assert {"failed", "crashed", "late", "stuck", "missing", "dead", "idle"} == set(NEXT)
    assert late_after(["muster"]) is None
