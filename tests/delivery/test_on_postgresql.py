"""The journal on PostgreSQL, a real server: the same promises, and several processes on one journal."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from delivery_world import (
    AS_OF,
    CAMPAIGN,
    PEPPER,
    DeliveryWorld,
    Destination,
    Post,
    child,
    make_run,
    message,
    opened,
    two_campaigns_at_once,
)

from activation import accounts, claims
from activation.connectors import Throughput
from activation.errors import HeldError, JournalUnsafeError
from activation.home import World, open_home
from activation.journal import open_journal
from activation.journal_checks import damage
from activation.journal_closing import close_runs
from activation.types import Answer, Request, RowVerdict, State

sys.path.insert(0, str(Path(__file__).parents[1] / "postgres"))
from server import create_database, restart, server

pytestmark = pytest.mark.xdist_group("postgres")
FORKS = multiprocessing.get_context("forkserver")
TAKEN = Answer(State.ACCEPTED, provider_id="provider-1")
LOST = Answer(State.IN_DOUBT, "connection_lost")
KILLS = 6


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def world(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliveryWorld]:
    monkeypatch.setenv("MUSTER_JOURNAL_URL", create_database(postgres))
    with opened(open_home(tmp_path / "home", create=World.REHEARSAL)) as world:
        yield world
    _has_no_secret(os.environ["MUSTER_JOURNAL_URL"])


def test_a_delivery_accounts_for_everybody(world: DeliveryWorld) -> None:
    rows = [message(number, address=f"person{number % 45}@example.com") for number in range(60)]
    run = make_run(world.home, rows)

    def answer(request: Request) -> Answer:
        return (
            Answer(State.ACCEPTED, rows={1: RowVerdict(State.REFUSED, "bad")})
            if request.people > 1
            else TAKEN
        )

    destination = Destination(answer, throughput=Throughput(requests=500, workers=3, group=4))
    result = world.deliver(run, destination, another=lambda: destination)
    assert result.counts == {"accepted": 40, "refused": 5, "excluded": 15}
    assert set(destination.asked.values()) == {1}
    assert world.deliver(run, Destination()).requests == 0
    assert len(world.receipts()) == 60
    with world.journal.read() as connection:
        assert damage(connection) is None
    assert not world.home.journal.exists()


def test_doubt_is_told_settled_and_closed(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(10)])
    world.deliver(run, Destination(lambda _: LOST, throughput=Throughput()))
    (doubt,) = accounts.in_doubt(world.journal)
    assert doubt.people == 10
    ids = [str(message(number)["message_id"]) for number in range(4)]
    assert accounts.confirm(world.journal, ids, State.ACCEPTED, "a test") == 4
    assert accounts.resolve(world.journal, doubt.request_id, State.REFUSED, "a test") == 6
    world.deliver(run, Destination())
    assert accounts.summary(world.journal, "run-1")[CAMPAIGN] == {"accepted": 4, "refused": 6}
    later = AS_OF.replace(day=AS_OF.day + 1)
    assert close_runs(world.journal, later, later) == ["run-1"]


def test_a_campaign_is_one_processs_alone(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(1)])
    other = open_journal(world.home)
    with other.hold(CAMPAIGN), pytest.raises(HeldError, match="another process is delivering"):
        world.deliver(run, Destination())
    assert world.deliver(run, Destination()).counts == {"accepted": 1}
    other.close()


def test_a_process_that_slept_through_its_lease_finds_out_inside_the_claim(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(30)])
    other = open_journal(world.home)

    def answer(_: Request) -> Answer:
        claims.take_lease(other, CAMPAIGN, AS_OF)  # as one whose lock was lost with its connection would
        return TAKEN

    destination = Destination(answer)
    with pytest.raises(HeldError, match="taken over"):
        world.deliver(run, destination)
    assert len(destination.requests) == 1
    assert accounts.summary(other, "run-1")[CAMPAIGN] == {"in_doubt": 10, "planned": 20}
    other.close()


def test_two_campaigns_are_delivered_side_by_side_within_one_limit(world: DeliveryWorld) -> None:
    journals = [open_journal(world.home) for _ in range(2)]
    moments = two_campaigns_at_once(world, journals)
    for journal in journals:
        journal.close()
    assert len(moments) == 40
    assert max(moments) - min(moments) >= 0.3


def test_a_server_that_goes_away_sends_nothing_unknown(world: DeliveryWorld, postgres: str) -> None:
    run = make_run(world.home, [message(number) for number in range(30)])

    def answer(_: Request) -> Answer:
        restart(postgres)
        return TAKEN

    destination = Destination(answer)
    with pytest.raises(JournalUnsafeError, match="cannot be reached"):
        world.deliver(run, destination)
    assert len(destination.requests) == 1
    later = Destination()
    # Its answer was written down as soon as the server was back.
    assert world.deliver(run, later).counts == {"accepted": 30}
    assert set((destination.asked + later.asked).values()) == {1}


def test_kills_put_only_open_requests_in_doubt(
    world: DeliveryWorld, sink: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parents[1])]))
    url, log = sink
    people, per_request = 1_000, 10
    run = make_run(world.home, [message(number) for number in range(people)])
    dice = random.Random(7)
    for _ in range(KILLS):
        process = FORKS.Process(
            target=_child, args=(os.environ["MUSTER_JOURNAL_URL"], str(world.home.path), url, per_request)
        )
        process.start()
        before = len(log.read_text().split())
        end = time.monotonic() + 20
        while len(log.read_text().split()) <= before and process.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.1))
        process.kill()
        process.join()
    destination = Post(max_rows=per_request)
    destination.url = url
    # The server notices that a killed process is gone when it next writes to it.
    for _ in range(100):
        try:
            counts = world.deliver(run, destination).counts
            break
        except HeldError:
            time.sleep(0.1)
    accepted = Counter(log.read_text().split())
    assert set(accepted.values()) == {1}
    assert counts["accepted"] + counts.get("in_doubt", 0) == people
    assert counts.get("in_doubt", 0) <= KILLS * per_request
    assert len(accepted) >= counts["accepted"]


def _child(journal_url: str, *arguments: object) -> None:
    os.environ["MUSTER_JOURNAL_URL"] = journal_url
    child(*arguments)  # type: ignore[arg-type]


def _has_no_secret(journal_url: str) -> None:
    with psycopg.connect(journal_url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            text = str(connection.execute(f"select * from {table}").fetchall())
            assert "@example.com" not in text
            assert PEPPER.decode() not in text
