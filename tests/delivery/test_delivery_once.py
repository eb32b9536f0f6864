"""Nobody is asked twice: reruns, two processes, kills, a process that wakes."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from delivery_world import CAMPAIGN, PEPPER, DeliveryWorld, Destination, Post, child, make_run, message

from activation import accounts, claims, streams
from activation.errors import HeldError
from activation.spans import StaleError
from activation.types import Answer, Request, State

# Children of a server that has imported everything start at once, and share no connection with this process.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["delivery_world"])
PEOPLE = 2_000
PER_REQUEST = 20
FEWER = 600
KILLS = 15


@pytest.fixture(autouse=True, scope="module")
def _importable_in_children() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        here = Path(__file__).parent
        patch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parents[1])]))
        yield


def start_child(world: DeliveryWorld, url: str, max_rows: int = PER_REQUEST) -> BaseProcess:
    process = FORKS.Process(target=child, args=(str(world.home.path), url, max_rows))
    process.start()
    return process


def end_of(process: BaseProcess) -> int | None:
    process.join(30)
    return process.exitcode


def accepted(log: Path) -> Counter[str]:
    return Counter(log.read_text().split())


def wait_for_lines(log: Path, lines: int) -> None:
    end = time.monotonic() + 20
    while len(log.read_text().split()) < lines and time.monotonic() < end:
        time.sleep(0.01)


def to_sink(url: str, max_rows: int = PER_REQUEST) -> Post:
    destination = Post(max_rows=max_rows)
    destination.url = url
    return destination


def test_rerun_of_a_finished_run_makes_no_request(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(25)])
    first, second = Destination(), Destination()
    assert world.deliver(run, first).counts == {"accepted": 25}
    assert (len(first.requests), len(world.receipts())) == (3, 25)
    result = world.deliver(run, second)
    assert (second.requests, result.requests, result.counts) == ([], 0, {"accepted": 25})
    assert len(world.receipts()) == 25


def test_what_another_run_planned_is_not_planned_again(world: DeliveryWorld) -> None:
    rows = [message(number) for number in range(5)]
    world.deliver(make_run(world.home, rows), Destination())
    again = make_run(world.home, [*rows, message(5)], run_id="run-2", digest="digest-2")
    destination = Destination()
    assert world.deliver(again, destination).counts == {"excluded": 5, "accepted": 1}
    assert destination.asked == {"person5@example.com": 1}
    told = [row["reason"] for row in world.receipts() if row["run_id"] == "run-2"]
    assert Counter(told) == {"already_planned": 5, "": 1}


def test_two_profiles_with_one_address_are_one_contact(world: DeliveryWorld) -> None:
    run = make_run(
        world.home,
        [
            message(1),
            message(2, address=" Person1@Example.com "),
            message(3, address="person1@example.com", step=2),
        ],
    )
    destination = Destination()
    assert world.deliver(run, destination).counts == {"accepted": 2, "excluded": 1}
    assert [request.step for request in destination.requests] == [1, 2]


def test_a_second_process_is_told_that_the_campaign_is_held(
    world: DeliveryWorld, sink: tuple[str, Path]
) -> None:
    url, log = sink
    run = make_run(world.home, [message(number) for number in range(FEWER)])
    process = start_child(world, url)
    wait_for_lines(log, PER_REQUEST)
    with pytest.raises(HeldError, match="another process"):
        world.deliver(run, to_sink(url))
    assert end_of(process) == 0
    assert world.deliver(run, to_sink(url)).counts == {"accepted": FEWER}
    assert set(accepted(log).values()) == {1}
    assert len(accepted(log)) == FEWER


def test_kills_at_any_moment_put_only_open_requests_in_doubt(
    world: DeliveryWorld, sink: tuple[str, Path]
) -> None:
    url, log = sink
    run = make_run(world.home, [message(number) for number in range(PEOPLE)])
    moments = random.Random(7)
    kills = 0
    for _ in range(KILLS):
        process = start_child(world, url)
        wait_for_lines(log, len(log.read_text().split()) + moments.choice((0, 0, 20, 60)))
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        kills += end_of(process) == -signal.SIGKILL
    result = world.deliver(run, to_sink(url))
    doubts = accounts.in_doubt(world.journal)
    unknown = sum(doubt.people for doubt in doubts)
    assert kills > 0
    assert len(doubts) <= kills
    assert unknown <= kills * PER_REQUEST
    assert result.counts.get("in_doubt", 0) == unknown
    assert result.counts["accepted"] == PEOPLE - unknown
    assert set(accepted(log).values()) == {1}
    known = {row["customer_id"] for row in world.receipts() if row["state"] == "accepted"}
    assert len(known) == PEOPLE - unknown
    assert known <= {address.replace("person", "customer-").split("@")[0] for address in accepted(log)}


def test_a_process_asked_to_end_finishes_its_request_and_leaves_no_doubt(
    world: DeliveryWorld, sink: tuple[str, Path]
) -> None:
    url, log = sink
    run = make_run(world.home, [message(number) for number in range(FEWER)])
    process = start_child(world, url, max_rows=5)
    wait_for_lines(log, 20)
    process.terminate()
    assert end_of(process) == 0
    counts = accounts.summary(world.journal, "run-1")[CAMPAIGN]
    sent = len(accepted(log))
    assert counts == {"accepted": sent, "planned": FEWER - sent}
    assert len(world.receipts()) == sent < FEWER
    assert world.deliver(run, to_sink(url, 100)).counts == {"accepted": FEWER}
    assert set(accepted(log).values()) == {1}


def test_a_process_that_slept_through_its_lease_cannot_claim(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(30)])

    def sleep_while_another_takes_over(_request: Request) -> Answer:
        claims.take_lease(world.journal, CAMPAIGN, world.clock.now())
        return Answer(State.ACCEPTED)

    sleeper = Destination(sleep_while_another_takes_over)
    with pytest.raises(HeldError, match="taken over"):
        world.deliver(run, sleeper)
    assert len(sleeper.requests) == 1
    counts = accounts.summary(world.journal, "run-1")[CAMPAIGN]
    assert counts == {"in_doubt": 10, "planned": 20}


def test_a_claim_of_rows_that_moved_claims_nothing(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(4)])
    world.deliver(run, Destination(), should_stop=lambda: True)
    epoch, _ = claims.take_lease(world.journal, CAMPAIGN, world.clock.now())
    (stream,) = streams.streams_of(world.journal, run, CAMPAIGN)
    page = streams.due_page(world.journal, stream, stream.first_seq - 1, world.clock.now(), 100)
    claims.exclude(world.journal, stream, {page.parts[0][0] + 2: "opted_out"})
    with pytest.raises(StaleError):
        claims.claim(world.journal, page, [tuple(page.parts)], epoch=epoch, now=world.clock.now())
    assert accounts.summary(world.journal, "run-1")[CAMPAIGN] == {"planned": 3, "excluded": 1}
    assert accounts.requests_of(world.journal, "run-1") == []


@pytest.fixture(autouse=True)
def _no_secret_in_the_journal(world: DeliveryWorld) -> Iterator[None]:
    yield
    content = b"".join(file.read_bytes() for file in world.home.path.glob("journal.db*"))
    assert b"@example.com" not in content
    assert PEPPER not in content
