"""Alerts: told once, to whom they are meant for, in counts; and whatever happens to them, the run goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activation.alerts import alert, alert_outcome, alerting
from activation.cli import batch, invoke
from activation.connectors.client import SANDBOX_HEADER
from activation.delivery import DeliveryResult
from activation.errors import ConfigurationError, HeldError, JournalUnsafeError
from activation.frozen import FrozenRun
from activation.guard import Ruling, Verdict
from activation.home import Home, World, open_home
from activation.run import Outcome
from activation.sandbox import Sandbox

SECRET = "s3cr3tp4th"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", World.REHEARSAL)


@pytest.fixture
def sandbox(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(home) as running:
        monkeypatch.setenv("MUSTER_SLACK_URL", f"{running.url}/slack/services/T0001/B0001/{SECRET}")
        yield running


def told(home: Home) -> list[str]:
    file = home.sandbox / "alerts.jsonl"
    return [json.loads(line)["text"] for line in file.read_text().splitlines()] if file.exists() else []


def outcome(home: Home, in_doubt: int = 3, verdict: Verdict = Verdict.GO) -> Outcome:
    run = FrozenRun("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC), "d1", home.path)
    ruling = Ruling("vip_offer", verdict, (), 120)
    counts = {"accepted": 97, "in_doubt": in_doubt, "refused": 0}
    delivery = DeliveryResult("vip_offer", counts, 1, is_down=False, why_down="", next_due=datetime.now(UTC))
    return Outcome(run, {"vip_offer": ruling}, {"vip_offer": delivery} if verdict is Verdict.GO else {})


def test_slack_is_told_with_its_own_characters_escaped(home: Home, sandbox: Sandbox) -> None:
    assert alert(home, "a < b & c > d", link="https://shop.example.com/runs") == []
    assert told(home) == ["a &lt; b &amp; c &gt; d\n<https://shop.example.com/runs>"]
    assert sandbox.accepted() == []


def test_a_run_that_ended_badly_is_told_once_until_something_changes(home: Home, sandbox: Sandbox) -> None:
    del sandbox
    complaints: list[str] = []
    for in_doubt in (3, 3, 4, 4):
        alert_outcome(home, outcome(home, in_doubt), 4, complaints.append)
    first, second = told(home)
    assert first.splitlines()[:2] == [
        "Muster (rehearsal): run 2026-11-21 ended with exit code 4, in doubt",
        "vip_offer: 97 accepted, 3 in_doubt",
    ]
    assert "4 in_doubt" in second
    alert_outcome(home, outcome(home, verdict=Verdict.APPROVE), 3, complaints.append)
    assert f"vip_offer: {Verdict.APPROVE.value}, 120 planned" in told(home)[2]
    assert complaints == []


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_went_well_or_whoever_typed_knows_is_not_told(code: int, home: Home, sandbox: Sandbox) -> None:
    del sandbox
    alert_outcome(home, outcome(home), code, pytest.fail)
    assert told(home) == []


def test_errors_are_told_by_their_class_and_go_on(home: Home, sandbox: Sandbox) -> None:
    del sandbox
    with pytest.raises(JournalUnsafeError), alerting(home, "r1", pytest.fail):
        raise JournalUnsafeError("a path and a reason")
    with pytest.raises(HeldError), alerting(home, "r2", pytest.fail):
        raise HeldError("another process")
    with pytest.raises(ConfigurationError), alerting(home, "r3", pytest.fail):
        raise ConfigurationError("the campaign's file")
    assert [text.splitlines()[1] for text in told(home)] == ["JournalUnsafeError", "HeldError"]
    assert "a path" not in str(told(home))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("retry_after:600", "http_429"),
        ("status:404", "http_404"),
        ("status:500", "http_500"),
        ("status:302", "http_302"),
        ("drop", "connection_lost"),
    ],
)
def test_a_failed_alert_is_complained_of_and_tried_again_with_the_next(
    fault: str, reason: str, home: Home, sandbox: Sandbox
) -> None:
    sandbox.script({"path_prefix": "/slack/", "fault": fault})
    complaints: list[str] = []
    alert_outcome(home, outcome(home), 4, complaints.append)
    assert complaints == [f"the alert by MUSTER_SLACK_URL was not taken ({reason})"]
    alert_outcome(home, outcome(home), 4, complaints.append)
    assert len(complaints) == len(told(home)) == 1
    assert sandbox.requests == 2


def test_a_server_that_drips_keeps_nobody(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activation.alerts.DEADLINE_SECONDS", 0.3)
    sandbox.script({"path_prefix": "/slack/", "fault": "drip"})
    began = time.monotonic()
    assert alert(home, "x") == ["the alert by MUSTER_SLACK_URL was not taken (timeout)"]
    assert time.monotonic() - began < 2


def test_any_address_that_takes_json_can_be_told(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_ALERT_URL", f"{sandbox.url}/slack/services/T0002/B0002/other")
    assert alert(home, "a & b") == []
    assert told(home) == ["a &amp; b", "a & b"]


@pytest.mark.parametrize(
    ("world", "name", "url"),
    [
        (World.REHEARSAL, "SLACK", f"https://hooks.slack.com/services/T0/B0/{SECRET}"),
        (World.LIVE, "SLACK", f"https://hooks.example.com/services/T0/B0/{SECRET}"),
        (World.LIVE, "SLACK", f"http://hooks.slack.com/services/T0/B0/{SECRET}"),
        (World.LIVE, "SLACK", f"https://hooks.slack.com?{SECRET}"),
        (World.LIVE, "SLACK", f"https://user:{SECRET}@hooks.slack.com/services"),
        (World.LIVE, "ALERT", f"https://hooks.slack.com/services/T0/B0/{SECRET}"),
        (World.LIVE, "ALERT", SECRET),
        (World.LIVE, "ALERT", f"https://[{SECRET}/x"),
        (World.LIVE, "ALERT", f"http://127.0.0.1:1/{SECRET}"),
        (World.LIVE, "ALERT", f"http://127.0.0.1:1/{SECRET}?x"),
        (World.LIVE, "ALERT", f"http://127.0.0.1:1/ {SECRET}"),
    ],
)
def test_wrong_addresses_are_named_and_not_shown(
    world: World, name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MUSTER_{name}_URL", url)
    (problem,) = alert(open_home(tmp_path / "other", world), "x")
    assert f"MUSTER_{name}_URL" in problem or name in problem
    assert SECRET not in problem


def test_a_live_home_tells_no_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    del sandbox
    (problem,) = alert(open_home(tmp_path / "live", World.LIVE), "x")
    assert "a live home refuses" in problem
    assert SANDBOX_HEADER not in problem


def test_nothing_set_is_nothing_to_do(home: Home) -> None:
    assert alert(home, "x") == []
    alert_outcome(home, outcome(home), 4, pytest.fail)
    assert not (home.path / "alerts.json").exists()


def test_a_damaged_memory_or_a_full_disk_fails_nothing(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    del sandbox
    (home.path / "alerts.json").write_text("[1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("activation.alerts.write_atomically", full)
    complaints: list[str] = []
    alert_outcome(home, outcome(home), 4, complaints.append)
    assert len(told(home)) == 1
    assert complaints == ["what was told is not remembered (No space left on device), and may be told again"]


def test_a_secret_file_that_cannot_be_read_is_complained_of(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_SLACK_URL_FILE", "/nowhere/at/all")
    complaints: list[str] = []
    alert_outcome(home, outcome(home), 4, complaints.append)
    assert len(complaints) == 1
    assert "MUSTER_SLACK_URL_FILE" in complaints[0]


def test_the_command_line_tells_how_a_run_ended(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unsafe(*_: object, **__: object) -> None:
        raise JournalUnsafeError("the journal is older than the ledger")

    monkeypatch.setenv("MUSTER_HOME", str(home.path))
    monkeypatch.setattr(batch, "run_steps", unsafe)
    asked = ["run", "vip_offer", "--as-of", "2017-11-22T14:00", "--run-id", "r1", "--json"]
    sandbox.script({"path_prefix": "/slack/", "fault": "retry_after:600", "count": 1})
    assert invoke(asked) == 6
    assert "the alert by MUSTER_SLACK_URL was not taken" in capsys.readouterr().err
    assert invoke(asked) == 6
    (text,) = told(home)
    assert text.startswith("Muster (rehearsal): run r1 ended with exit code 6, the journal is not safe")
    assert capsys.readouterr().out == ""
