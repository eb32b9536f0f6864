"""The sandbox as a process: found, started once, stopped, and never beside a live home."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation import sandbox
from activation.clock import parse_moment
from activation.errors import ConfigurationError, HeldError
from activation.home import Home, World, open_home
from activation.sandbox.calls import Response
from activation.settings import connection, sandbox_address_file


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    yield home
    sandbox.stop(home)


def test_start_is_found_again_and_stop_ends_it(rehearsal: Home) -> None:
    started = sandbox.start(rehearsal)
    assert json.loads(sandbox_address_file(rehearsal).read_text()) == started
    assert sandbox.start(rehearsal) == started
    assert connection(rehearsal, "META").base_url == f"{started['url']}/meta"
    assert sandbox.stop(rehearsal) is True
    assert not sandbox_address_file(rehearsal).exists()
    assert sandbox.stop(rehearsal) is False


def test_a_killed_sandbox_is_replaced(rehearsal: Home) -> None:
    first = sandbox.start(rehearsal)
    os.kill(first["pid"], signal.SIGKILL)
    give_up_at = time.monotonic() + 5
    while sandbox._running(rehearsal) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    second = sandbox.start(rehearsal)
    assert second["pid"] != first["pid"]


def test_several_starts_at_once_make_one_sandbox(rehearsal: Home) -> None:
    found: list[int] = []
    starters = [
        threading.Thread(target=lambda: found.append(sandbox.start(rehearsal)["pid"])) for _ in range(3)
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(timeout=30)
    assert len(found) == 3
    assert len(set(found)) == 1
    assert sandbox.stop(rehearsal) is True
    time.sleep(0.5)
    assert sandbox._running(rehearsal) is None


def test_a_live_home_has_no_sandbox(tmp_path: Path) -> None:
    home = open_home(tmp_path / "live", World.LIVE)
    with pytest.raises(ConfigurationError, match="live home"):
        sandbox.start(home)
    with pytest.raises(ConfigurationError, match="live home"):
        sandbox.Sandbox(home)
    assert not home.sandbox.exists()


def test_one_home_has_one_sandbox(rehearsal: Home) -> None:
    with sandbox.Sandbox(rehearsal), pytest.raises(HeldError, match="sandbox"):
        sandbox.Sandbox(rehearsal).__enter__()


def test_another_homes_sandbox_is_not_taken_for_ones_own(rehearsal: Home, tmp_path: Path) -> None:
    other = open_home(tmp_path / "other", World.REHEARSAL)
    with sandbox.Sandbox(rehearsal):
        sandbox_address_file(other).parent.mkdir()
        sandbox_address_file(other).write_bytes(sandbox_address_file(rehearsal).read_bytes())
        assert sandbox.stop(other) is False


def test_what_was_accepted_is_private_and_survives_a_restart(rehearsal: Home) -> None:
    with sandbox.Sandbox(rehearsal) as first:
        first._server.accept("twilio", Response(201, accepted=({"address": "a"},)))
    with sandbox.Sandbox(rehearsal) as second:
        assert [line["address"] for line in second.accepted()] == ["a"]
    log = rehearsal.sandbox / "accepted.jsonl"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_acceptance_is_dated_by_the_homes_clock(rehearsal: Home) -> None:
    (rehearsal.path / "clock.json").write_text('{"now": "2017-11-22T14:00:00+00:00"}')
    with sandbox.Sandbox(rehearsal) as running:
        running._server.accept("twilio", Response(201, accepted=({"address": "a"},)))
        assert parse_moment(running.accepted()[0]["at"]) == parse_moment("2017-11-22T14:00")
