"""A journal that cannot be trusted sends nothing and says so; receipts and verdicts reach the ledger."""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import timedelta

import pytest
from delivery_world import CAMPAIGN, PEPPER, DeliveryWorld, Destination, make_run, message

from activation import accounts
from activation.errors import ConfigurationError, JournalUnsafeError
from activation.frozen import read_frozen
from activation.journal import open_journal
from activation.ledger import RECEIPTS
from activation.planning import plan
from activation.receipts import write_receipts
from activation.types import Answer, State


def fill(world: DeliveryWorld, people: int = 300) -> None:
    """Deliver a run, and leave all of it in the main file."""
    world.deliver(make_run(world.home, [message(number) for number in range(people)]), Destination())
    world.journal.close()
    with sqlite3.connect(world.home.journal) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def test_the_journal_is_private_and_durable(world: DeliveryWorld) -> None:
    assert world.home.journal.stat().st_mode & 0o777 == 0o600
    with world.journal.write() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def test_planning_twice_changes_nothing(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(1), message(2), message(3, address="person1@example.com")])
    first = plan(world.journal, run, CAMPAIGN, PEPPER)
    assert first == {"rows": 3, "already_planned": 0, "duplicate_address": 1}
    assert plan(world.journal, run, CAMPAIGN, PEPPER)["rows"] == 3
    assert accounts.summary(world.journal, "run-1") == {CAMPAIGN: {"planned": 2, "excluded": 1}}


def test_a_plan_of_many_rows_accounts_for_each(world: DeliveryWorld) -> None:
    rows = [message(number, address=f"person{number % 900}@example.com") for number in range(1_234)]
    run = make_run(world.home, rows)
    counts = plan(world.journal, run, CAMPAIGN, PEPPER)
    assert counts == {"rows": 1_234, "already_planned": 0, "duplicate_address": 334}
    assert accounts.summary(world.journal, "run-1")[CAMPAIGN] == {"planned": 900, "excluded": 334}


def test_a_run_replanned_with_another_digest_is_refused(world: DeliveryWorld) -> None:
    world.deliver(make_run(world.home, [message(1)]), Destination())
    changed = make_run(world.home, [message(1), message(2)], digest="another")
    destination = Destination()
    with pytest.raises(JournalUnsafeError, match="another content digest"):
        world.deliver(changed, destination)
    assert destination.requests == []


def test_a_garbled_journal_is_refused(world: DeliveryWorld) -> None:
    fill(world)
    content = bytearray(world.home.journal.read_bytes())
    content[:100] = b"x" * 100
    world.home.journal.write_bytes(content)
    with pytest.raises(JournalUnsafeError, match="Restore"):
        open_journal(world.home)


def test_damaged_bytes_are_refused_or_change_no_state(world: DeliveryWorld) -> None:
    fill(world)
    whole = world.home.journal.read_bytes()
    moments = random.Random(11)
    refused = 0
    for _ in range(40):
        damaged = bytearray(whole)
        start = moments.randrange(0, len(whole) - 600)
        damaged[start : start + 600] = moments.randbytes(600)
        world.home.journal.write_bytes(damaged)
        for stray in world.home.path.glob("journal.db-*"):
            stray.unlink()
        try:
            journal = open_journal(world.home)
        except JournalUnsafeError:
            refused += 1
            continue
        assert accounts.summary(journal, "run-1").get(CAMPAIGN, {}).get("planned", 0) == 0
        journal.close()
    assert refused > 10


def test_a_truncated_journal_is_refused(world: DeliveryWorld) -> None:
    fill(world)
    whole = world.home.journal.read_bytes()
    world.home.journal.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    with pytest.raises(JournalUnsafeError):
        open_journal(world.home)


@pytest.mark.parametrize("is_emptied", [True, False])
def test_a_journal_that_is_gone_although_there_are_receipts_is_refused(
    world: DeliveryWorld,
    is_emptied: bool,  # noqa: FBT001
) -> None:
    fill(world)
    for file in world.home.path.glob("journal.db*"):
        file.unlink()
    if is_emptied:
        world.home.journal.touch()
    with pytest.raises(JournalUnsafeError, match=r"ledger says that there was one|not as it was left"):
        open_journal(world.home)


@pytest.mark.parametrize(("key", "says"), [("version", "not of version"), ("home_id", "another home")])
def test_a_journal_of_another_version_or_home_is_refused(world: DeliveryWorld, key: str, says: str) -> None:
    with world.journal.write() as connection:
        connection.exec_driver_sql("update meta set value = 'other' where key = ?", (key,))
    with pytest.raises(JournalUnsafeError, match=says):
        open_journal(world.home)


def test_opening_again_finds_what_was_there(world: DeliveryWorld) -> None:
    fill(world, people=3)
    journal = open_journal(world.home)
    assert accounts.summary(journal, "run-1") == {CAMPAIGN: {"accepted": 3}}
    journal.close()


def test_receipts_have_their_schema_and_are_written_once(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(3)])
    world.deliver(run, Destination())
    (row, *_others) = world.receipts()
    assert list(row) == RECEIPTS.names
    assert (row["state"], row["provider_id"], row["run_id"]) == ("accepted", "provider-1", "run-1")
    assert row["request_id"] == accounts.requests_of(world.journal, "run-1")[0].request_id
    assert row["attempted_at"] == row["known_at"] == row["as_of"]
    assert write_receipts(world.home, world.journal, run, world.clock.now()) == 0
    (file,) = (world.home.ledger / "receipts").glob("*.parquet")
    assert file.stat().st_mode & 0o777 == 0o600


def test_receipts_repeat_where_the_journal_did_not_note_them(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(3)])
    world.deliver(run, Destination())
    with world.journal.write() as connection:
        connection.exec_driver_sql("update requests set is_receipted = 0")
    assert write_receipts(world.home, world.journal, run, world.clock.now()) == 3
    assert len({row["message_id"] for row in world.receipts()}) == 3


@pytest.mark.parametrize("verdict", [State.ACCEPTED, State.REFUSED])
def test_a_persons_verdict_ends_doubt_and_reaches_the_ledger(world: DeliveryWorld, verdict: State) -> None:
    run = make_run(world.home, [message(number) for number in range(12)])
    answers = [Answer(State.ACCEPTED), Answer(State.IN_DOUBT, "timeout")]
    world.deliver(run, Destination(lambda _: answers.pop()))
    (doubt,) = accounts.in_doubt(world.journal)
    assert (doubt.people, doubt.campaign, doubt.reason) == (10, CAMPAIGN, "timeout")
    assert accounts.resolve(world.journal, doubt.request_id, verdict, "ann") == 10
    assert accounts.in_doubt(world.journal) == []
    world.clock.step_to(world.clock.now() + timedelta(hours=1))
    assert write_receipts(world.home, world.journal, run, world.clock.now()) == 10
    told = [row for row in world.receipts() if row["reason"] == "resolved by ann"]
    assert {row["state"] for row in told} == {verdict.value}
    with pytest.raises(ConfigurationError, match="not in doubt"):
        accounts.resolve(world.journal, doubt.request_id, verdict, "ann")


def test_only_doubt_can_be_resolved(world: DeliveryWorld) -> None:
    with pytest.raises(ConfigurationError, match="no request"):
        accounts.resolve(world.journal, "unknown", State.ACCEPTED, "ann")
    with pytest.raises(ConfigurationError, match="accepted or as refused"):
        accounts.resolve(world.journal, "unknown", State.PLANNED, "ann")


def test_a_manifest_that_is_damaged_names_its_file(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(1)])
    (run.directory / "manifest.json").write_text(json.dumps({"run_id": "run-1"}))
    with pytest.raises(ConfigurationError, match=r"manifest\.json is damaged"):
        read_frozen(world.home, "run-1")
