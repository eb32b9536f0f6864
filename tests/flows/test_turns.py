"""Waiting for one another: to decide, for a lock, for the data sync; and what comes too late."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activation.errors import BusyError, HeldError
from activation.home import Home, World, open_home, write_atomically
from activation.maintenance import last_sync, why_unsynced
from flows.dependency import await_sync
from flows.turns import patiently, turn_to_decide

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", create=World.LIVE)


def synced(home: Home, at: datetime) -> None:
    write_atomically(home.path / "sync.json", f'{{"as_of": "{at.isoformat()}"}}'.encode())


def test_two_runs_decide_one_after_the_other(home: Home) -> None:
    order: list[str] = []
    began = threading.Event()

    def first() -> None:
        with turn_to_decide(home):
            began.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    began.wait()
    with turn_to_decide(home, poll_seconds=0.01):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_whose_turn_does_not_come_in_time_is_held(home: Home) -> None:
    with (
        home.lock("deciding", "deciding a run"),
        pytest.raises(BusyError, match="another process is deciding a run"),
        turn_to_decide(home, wait_seconds=0),
    ):
        pytest.fail("two decide at once")


def test_only_what_is_busy_is_waited_for() -> None:
    tries: list[int] = []

    def call() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise BusyError
        if len(tries) == 2:
            raise HeldError
        return "done"

    with pytest.raises(HeldError):
        patiently(call, poll_seconds=0)
    assert patiently(call) == "done"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(hours=1), None),
        (timedelta(hours=3), None),
        (
            timedelta(hours=3, seconds=1),
            "the last data sync was as of 2026-11-21 08:59 UTC, 3.0 hours before",
        ),
        (timedelta(hours=-2), None),
    ],
)
def test_a_sync_is_fresh_up_to_its_limit(home: Home, age: timedelta, words: str | None) -> None:
    synced(home, NOON - age)
    assert last_sync(home) == NOON - age
    found = why_unsynced(home, NOON, timedelta(hours=3))
    assert found is None if words is None else str(found).startswith(words)


def test_a_run_waits_for_its_data_sync(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.dependency.get_run_logger", _Quiet)
    synced(home, NOON - timedelta(days=1))
    monkeypatch.setattr("flows.dependency.POLL_SECONDS", 0.01)
    thread = threading.Timer(0.2, synced, (home, NOON - timedelta(hours=1)))
    thread.start()
    await_sync.fn(home, NOON, 3, 1)
    thread.join()
    assert last_sync(home) == NOON - timedelta(hours=1)


def test_without_its_data_sync_a_run_is_held(home: Home) -> None:
    with pytest.raises(
        HeldError, match=r"nothing was decided: there was no data sync yet\. Look at the flow runs"
    ):
        await_sync.fn(home, NOON, 3, 0)


class _Quiet:
    def info(self, *_: object) -> None:
        pass
