"""What a destination promises decides what follows from a lost answer; groups, workers and limits on the way."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from delivery_world import (
    AS_OF,
    CAMPAIGN,
    DeliveryWorld,
    Destination,
    OptOuts,
    make_run,
    message,
    two_campaigns_at_once,
)

from activation import accounts
from activation.connectors import Throughput
from activation.errors import ConfigurationError
from activation.journal import open_journal
from activation.journal_checks import damage
from activation.journal_closing import closable, close_runs
from activation.pacing import DeliveryLimits
from activation.types import Answer, Capability, Request, RowVerdict, State

LOST = Answer(State.IN_DOUBT, "connection_lost")
TAKEN = Answer(State.ACCEPTED, provider_id="provider-1")
PATIENT = DeliveryLimits(max_wait=0.0)


@dataclass
class Keeper(Destination):
    """A destination that keeps whom it took by request id, and loses the answers that a test names."""

    capability: Capability = Capability.IDEMPOTENT
    replay_seconds: float = 86_400.0
    lost: Callable[[int], Answer | None] = lambda _: None
    is_deaf: bool = False
    kept: dict[str, list[str]] = field(default_factory=dict)

    def send(self, request: Request) -> Answer:
        self.requests.append(request)
        if not self.is_deaf:
            self.kept.setdefault(request.request_id, request.rows["address"].to_pylist())
        return self.lost(len(self.requests)) or TAKEN

    @property
    def taken(self) -> Counter[str]:
        return Counter(address for people in self.kept.values() for address in people)


class Asked(Keeper):
    """The same, where one may ask."""

    def look_up(self, request: Request) -> Answer:
        return TAKEN if request.request_id in self.kept else Answer(State.PLANNED, "not_there")


def run_of(world: DeliveryWorld, people: int = 30) -> Any:
    return make_run(world.home, [message(number) for number in range(people)])


def test_an_idempotent_request_is_repeated_under_its_own_key(world: DeliveryWorld) -> None:
    destination = Keeper(lost=lambda number: LOST if number == 2 else None)
    result = world.deliver(run_of(world), destination)
    assert (result.counts, result.requests) == ({"accepted": 30}, 4)
    assert [request.request_id for request in destination.requests].count(
        destination.requests[1].request_id
    ) == 2
    assert destination.requests[1].rows.equals(destination.requests[3].rows)
    assert set(destination.taken.values()) == {1}


def test_a_key_is_not_trusted_for_longer_than_four_fifths_of_its_time(world: DeliveryWorld) -> None:
    run = run_of(world, 10)
    first = Keeper(lost=lambda _: LOST, replay_seconds=3600)
    world.deliver(run, first, limits=PATIENT)
    assert accounts.summary(world.journal, "run-1")[CAMPAIGN] == {"in_doubt": 10}
    world.clock.step_to(AS_OF + timedelta(minutes=48))
    assert world.deliver(run, Keeper(replay_seconds=3600)).requests == 0
    again = Keeper(replay_seconds=3601)
    result = world.deliver(run, again)
    assert (result.requests, result.counts) == (1, {"accepted": 10})


def test_nobody_who_opted_out_is_repeated_to(world: DeliveryWorld) -> None:
    run = run_of(world, 10)
    world.deliver(run, Keeper(lost=lambda _: LOST), limits=PATIENT)
    later = Keeper()
    result = world.deliver(run, later, recheck=OptOuts([("message", 3, "opted_out")]))
    assert (result.counts, later.requests) == ({"in_doubt": 10}, [])


@pytest.mark.parametrize("capability", [Capability.LOOKUP, Capability.FILE])
@pytest.mark.parametrize("is_deaf", [False, True])
def test_a_destination_that_can_be_asked_is(
    world: DeliveryWorld, capability: Capability, *, is_deaf: bool
) -> None:
    destination = Asked(capability=capability, lost=lambda number: LOST if number == 1 else None)
    destination.is_deaf = is_deaf
    original = destination.look_up

    def hear(request: Request) -> Answer:
        destination.is_deaf = False
        return original(request)

    destination.look_up = hear  # type: ignore[method-assign]
    result = world.deliver(run_of(world, 10), destination)
    assert (result.counts, result.requests) == ({"accepted": 10}, 2 if is_deaf else 1)
    assert set(destination.taken.values()) == {1}


@pytest.mark.parametrize("capability", [Capability.FIRE_AND_FORGET, Capability.SET])
def test_others_stay_in_doubt(world: DeliveryWorld, capability: Capability) -> None:
    destination = Asked(capability=capability, lost=lambda number: LOST if number == 1 else None)
    run = run_of(world)
    assert world.deliver(run, destination).counts == {"accepted": 20, "in_doubt": 10}
    assert world.deliver(run, destination).requests == 0


@pytest.mark.parametrize("workers", [1, 4])
def test_a_group_is_one_commit_and_its_radius_of_doubt(world: DeliveryWorld, workers: int) -> None:
    throughput = Throughput(workers=workers, group=5)
    open_at_once: list[int] = []
    lock = threading.Lock()

    def answer(_: Request) -> Answer:
        with lock, world.journal.read() as connection:
            count = connection.exec_driver_sql("select count(*) from requests where state = 'attempting'")
            open_at_once.append(int(count.scalar() or 0))
        time.sleep(0.002)
        return TAKEN

    destination = Destination(answer, max_rows=1, throughput=throughput)
    result = world.deliver(run_of(world, 40), destination, another=lambda: destination)
    assert (result.counts, result.requests) == ({"accepted": 40}, 40)
    assert set(destination.asked.values()) == {1}
    assert 5 <= max(open_at_once) <= (5 if workers == 1 else 9)


def test_what_has_not_begun_is_given_back_when_the_process_is_asked_to_end(world: DeliveryWorld) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Answer:
        asked.append(request)
        time.sleep(0.01)
        return TAKEN

    run = run_of(world, 60)
    destination = Destination(answer, max_rows=1, throughput=Throughput(workers=2, group=10))
    result = world.deliver(run, destination, another=lambda: destination, should_stop=lambda: len(asked) >= 6)
    assert result.counts["accepted"] == len(asked) == result.requests
    assert result.counts["planned"] == 60 - len(asked)
    assert world.deliver(run, destination).counts == {"accepted": 60}
    assert set(destination.asked.values()) == {1}


def test_an_account_is_never_asked_faster_than_it_allows(world: DeliveryWorld) -> None:
    moments: list[float] = []

    def answer(_: Request) -> Answer:
        moments.append(time.monotonic())
        return TAKEN

    throughput = Throughput(requests=100, workers=8, group=10)
    destination = Destination(answer, max_rows=1, throughput=throughput)
    world.deliver(run_of(world, 50), destination, another=lambda: destination)
    # 50 requests at 100 a second take half a second, but for what a late worker may catch up on.
    assert max(moments) - min(moments) >= 0.4


def test_two_campaigns_share_the_limit_of_an_account(world: DeliveryWorld) -> None:
    moments = two_campaigns_at_once(world, [world.journal, world.journal])
    assert len(moments) == 40
    assert max(moments) - min(moments) >= 0.3


@pytest.mark.parametrize("people", [1, 2, 7, 100])
@pytest.mark.parametrize("reason", ["status_400", "too_large"])
def test_a_bad_row_is_found_by_halving(world: DeliveryWorld, people: int, reason: str) -> None:
    bad = f"person{people // 2}@example.com"

    def answer(request: Request) -> Answer:
        if bad in request.rows["address"].to_pylist():
            return Answer(State.REFUSED, reason, is_divisible=True)
        return TAKEN

    destination = Destination(answer, max_rows=100)
    result = world.deliver(run_of(world, people), destination)
    expected = {"accepted": people - 1, "refused": 1} if people > 1 else {"refused": 1}
    assert result.counts == expected
    (refused,) = [row for row in world.receipts() if row["state"] == "refused"]
    assert refused["reason"] == reason


def test_where_all_are_refused_it_does_not_ask_for_each(world: DeliveryWorld) -> None:
    destination = Destination(
        lambda _: Answer(State.REFUSED, "status_400", is_divisible=True), max_rows=1_000
    )
    result = world.deliver(run_of(world, 1_000), destination)
    assert result.counts == {"refused": 1_000}
    assert len(destination.requests) < 20


def test_rows_singled_out_of_a_refused_request_are_not_asked_for_again(world: DeliveryWorld) -> None:
    def answer(request: Request) -> Answer:
        if request.people == 10:
            return Answer(
                State.REFUSED, "status_400", rows={0: RowVerdict(State.REFUSED, "bad")}, is_divisible=True
            )
        return TAKEN

    destination = Destination(answer)
    result = world.deliver(run_of(world, 10), destination)
    assert result.counts == {"accepted": 9, "refused": 1}
    assert destination.asked["person0@example.com"] == 1


def test_the_canaries_leave_first_and_the_rest_when_it_may(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number, wave=int(number >= 5)) for number in range(20)])
    destination = Destination()
    result = world.deliver(run, destination, waves=(0,))
    assert (result.counts, result.next_due) == ({"accepted": 5, "planned": 15}, None)
    assert sorted(destination.asked) == [f"person{number}@example.com" for number in range(5)]
    assert world.deliver(run, destination).counts == {"accepted": 20}
    assert set(destination.asked.values()) == {1}


def test_a_full_disk_is_told_before_the_first_request(
    world: DeliveryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activation.room.LEAST_BYTES", 10**18)
    destination = Destination()
    with pytest.raises(Exception, match="make room and resume"):
        world.deliver(run_of(world), destination)
    assert destination.requests == []


def test_feedback_settles_single_messages(world: DeliveryWorld) -> None:
    run = run_of(world, 10)
    world.deliver(run, Destination(lambda _: LOST), limits=PATIENT)
    ids = [str(message(number)["message_id"]) for number in (2, 3, 7)]
    assert accounts.confirm(world.journal, [*ids, "f" * 32, "no id"], State.ACCEPTED, "a test") == 3
    assert accounts.confirm(world.journal, ids, State.REFUSED, "a test") == 0
    assert accounts.summary(world.journal, "run-1")[CAMPAIGN] == {"accepted": 3, "in_doubt": 7}
    (doubt,) = accounts.in_doubt(world.journal)
    assert (doubt.people, doubt.positions) == (7, (0, 1, 4, 5, 6, 8, 9))
    world.deliver(run, Destination())
    told = Counter(row["state"] for row in world.receipts() if row["reason"] == "confirmed by a test")
    assert told == {"accepted": 3}


def test_a_closed_run_leaves_the_journal_and_is_never_sent_again(world: DeliveryWorld) -> None:
    old = run_of(world, 30)
    world.deliver(old, Destination())
    half = make_run(world.home, [message(n, slot="2017-W48") for n in range(20)], run_id="run-2")
    world.deliver(half, Destination(), should_stop=lambda: True)
    later = AS_OF + timedelta(days=1)
    assert close_runs(world.journal, AS_OF, later) == []
    assert closable(world.journal, later) == close_runs(world.journal, later, later) == ["run-1"]
    with world.journal.read() as connection:
        assert damage(connection) is None
        left = {
            table: connection.exec_driver_sql(f"select count(*) from {table}").scalar()
            for table in ("contacts", "message_ids", "requests")
        }
    assert left == {"contacts": 20, "message_ids": 20, "requests": 0}
    destination = Destination()
    with pytest.raises(ConfigurationError, match="closed"):
        world.deliver(old, destination)
    assert destination.requests == []
    world.journal.close()
    again = open_journal(world.home)
    assert world.deliver(half, Destination(), journal=again).counts == {"accepted": 20}
    again.close()
