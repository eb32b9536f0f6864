"""What becomes of rows: partial refusals, give-backs, doubt, expiry, opt-outs, times, outages."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from delivery_world import (
    ADS,
    AS_OF,
    CONTENT,
    DeliveryWorld,
    Destination,
    OptOuts,
    make_run,
    membership,
    message,
)

from activation import accounts
from activation.clock import naive_utc
from activation.delivery import DeliveryLimits, Progress
from activation.errors import ConfigurationError, JournalUnsafeError
from activation.frozen import Kind
from activation.ledger import MEMBERSHIP_RECEIPTS, ensure_ledger
from activation.types import Answer, Capability, Content, Operation, Request, RowVerdict, State

POISON = "person3@example.com"


def holds_poison(request: Request) -> bool:
    return POISON in request.rows["address"].to_pylist()


def test_a_request_carries_what_the_connector_needs(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(1, address=" Ann@Example.com")])
    destination = Destination()
    world.deliver(run, destination)
    (request,) = destination.requests
    assert request.rows.column_names == [
        *("position", "message_id", "customer_id", "address", "fields", "unsubscribe_url")
    ]
    row = request.rows.to_pylist()[0]
    assert (row["address"], row["fields"]) == (" Ann@Example.com", '{"first_name": "Ann"}')
    assert row["unsubscribe_url"].startswith("https://")
    assert (request.operation, request.step, request.audience) == (Operation.SEND, 1, None)
    assert request.content == CONTENT["hello"]


def test_one_bad_address_costs_one_person(world: DeliveryWorld) -> None:
    def refuse_one(request: Request) -> Answer:
        if not holds_poison(request):
            return Answer(State.ACCEPTED)
        index = request.rows["address"].to_pylist().index(POISON)
        return Answer(State.PLANNED, rows={index: RowVerdict(State.REFUSED, "bad_address")})

    run = make_run(world.home, [message(number) for number in range(20)])
    destination = Destination(refuse_one)
    assert world.deliver(run, destination).counts == {"accepted": 19, "refused": 1}
    assert len(destination.requests) == 3
    (refused,) = [row for row in world.receipts() if row["state"] == "refused"]
    assert (refused["customer_id"], refused["reason"]) == ("customer-3", "bad_address")


def test_bad_addresses_named_one_at_a_time_cost_the_others_nothing(world: DeliveryWorld) -> None:
    bad = {f"person{number}@example.com" for number in range(8)}

    def refuse_first(request: Request) -> Answer:
        found = [index for index, to in enumerate(request.rows["address"].to_pylist()) if to in bad]
        if not found:
            return Answer(State.ACCEPTED)
        return Answer(State.PLANNED, rows={found[0]: RowVerdict(State.REFUSED, "bad_address")})

    run = make_run(world.home, [message(number) for number in range(10)])
    assert world.deliver(run, Destination(refuse_first)).counts == {"accepted": 2, "refused": 8}


def test_single_rows_may_differ_from_an_accepted_request(world: DeliveryWorld) -> None:
    verdicts = {0: RowVerdict(State.IN_DOUBT, "unclear"), 1: RowVerdict(State.ACCEPTED, "", "row-id")}
    run = make_run(world.home, [message(number) for number in range(3)])
    destination = Destination(lambda _: Answer(State.ACCEPTED, provider_id="request-id", rows=verdicts))
    assert world.deliver(run, destination).counts == {"accepted": 2, "in_doubt": 1}
    told = {row["customer_id"]: (row["state"], row["provider_id"]) for row in world.receipts()}
    assert told["customer-1"] == ("accepted", "row-id")
    assert told["customer-2"] == ("accepted", "request-id")
    (doubt,) = accounts.in_doubt(world.journal)
    assert doubt.positions == (0,)


def test_what_is_given_back_is_sent_again_after_a_short_wait(world: DeliveryWorld) -> None:
    answers = [Answer(State.PLANNED, "status_429", retry_after=0.05)] * 2
    run = make_run(world.home, [message(number) for number in range(5)])
    destination = Destination(lambda _: answers.pop() if answers else Answer(State.ACCEPTED))
    result = world.deliver(run, destination)
    assert (result.counts, result.requests) == ({"accepted": 5}, 3)


def test_a_long_wait_ends_the_delivery_and_says_when_to_resume(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(25)])
    destination = Destination(lambda _: Answer(State.PLANNED, "status_429", retry_after=3600))
    result = world.deliver(run, destination)
    assert (result.counts, result.requests, result.is_down) == ({"planned": 25}, 1, False)
    assert result.next_due == AS_OF + timedelta(hours=1)


def test_a_row_that_is_always_singled_out_as_given_back_is_refused_in_the_end(world: DeliveryWorld) -> None:
    def give_poison_back(request: Request) -> Answer:
        to = request.rows["address"].to_pylist()
        rows = {to.index(POISON): RowVerdict(State.PLANNED, "busy")} if POISON in to else {}
        return Answer(State.ACCEPTED, rows=rows)

    run = make_run(world.home, [message(number) for number in range(6)])
    destination = Destination(give_poison_back)
    result = world.deliver(run, destination, limits=DeliveryLimits(max_attempts=3))
    assert result.counts == {"accepted": 5, "refused": 1}
    assert destination.asked[POISON] == 4
    (refused,) = [row for row in world.receipts() if row["state"] == "refused"]
    assert refused["reason"] == "gave_up"


def test_a_request_that_is_always_given_back_keeps_its_people(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(6)])
    back = Answer(State.PLANNED, "status_429", retry_after=0)
    destination = Destination(
        lambda request: back if holds_poison(request) else Answer(State.ACCEPTED), max_rows=1
    )
    result = world.deliver(run, destination, limits=DeliveryLimits(max_attempts=3))
    assert (result.counts, result.is_down) == ({"accepted": 5, "planned": 1}, True)
    assert destination.asked[POISON] == 4
    assert world.deliver(run, Destination()).counts == {"accepted": 6}


@pytest.mark.parametrize(
    ("answer", "most", "left"),
    [
        (Answer(State.PLANNED, "status_401", is_down=True), 1, "planned"),
        (Answer(State.PLANNED, "status_429", retry_after=0), 6, "planned"),
        (Answer(State.IN_DOUBT, "status_500"), 5, "in_doubt"),
    ],
)
def test_a_destination_that_serves_nobody_is_left_alone(
    world: DeliveryWorld, answer: Answer, most: int, left: str
) -> None:
    run = make_run(world.home, [message(number) for number in range(100)])
    result = world.deliver(run, Destination(lambda _: answer, max_rows=1))
    assert (result.is_down, result.why_down, result.requests) == (True, answer.reason, most)
    assert result.counts[left] >= most
    assert result.counts["planned"] >= 95
    assert world.deliver(run, Destination(), should_stop=lambda: False).counts.get("planned", 0) == 0


def test_an_exception_in_a_connector_is_doubt_and_names_only_its_class(world: DeliveryWorld) -> None:
    def fail(request: Request) -> Answer:
        if holds_poison(request):
            raise RuntimeError(request.rows["address"][0].as_py())
        return Answer(State.ACCEPTED)

    run = make_run(world.home, [message(number) for number in range(20)])
    assert world.deliver(run, Destination(fail)).counts == {"accepted": 10, "in_doubt": 10}
    (doubt,) = accounts.in_doubt(world.journal, "run-1")
    assert (doubt.reason, doubt.people) == ("RuntimeError", 10)
    assert world.deliver(run, Destination()).requests == 0


def test_an_answer_that_does_not_fit_its_request_is_doubt(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(4)])
    stray = Answer(State.ACCEPTED, rows={4: RowVerdict(State.REFUSED, "?")})
    assert world.deliver(run, Destination(lambda _: stray)).counts == {"in_doubt": 4}


def test_a_request_that_cannot_be_made_leaves_its_rows_planned(world: DeliveryWorld) -> None:
    def refuse(_request: Request) -> Answer:
        raise ConfigurationError("the placeholder offer_text has no value")

    run = make_run(world.home, [message(number) for number in range(4)])
    with pytest.raises(ConfigurationError, match="placeholder"):
        world.deliver(run, Destination(refuse))
    assert world.deliver(run, Destination()).counts == {"accepted": 4}


def test_an_interrupt_while_sending_is_doubt_for_the_next_holder(world: DeliveryWorld) -> None:
    def interrupt(_request: Request) -> Answer:
        raise KeyboardInterrupt

    run = make_run(world.home, [message(number) for number in range(20)])
    with pytest.raises(KeyboardInterrupt):
        world.deliver(run, Destination(interrupt))
    destination = Destination()
    assert world.deliver(run, destination).counts == {"in_doubt": 10, "accepted": 10}
    assert max(destination.asked.values()) == 1
    assert Counter(row["reason"] for row in world.receipts()) == {"interrupted": 10, "": 10}


def test_doubt_left_by_another_run_is_told_to_the_ledger(world: DeliveryWorld) -> None:
    def interrupt(_request: Request) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.deliver(make_run(world.home, [message(1)]), Destination(interrupt))
    other = make_run(world.home, [message(2)], run_id="run-2", digest="digest-2")
    world.deliver(other, Destination())
    assert {row["run_id"]: row["state"] for row in world.receipts()} == {
        "run-1": "in_doubt",
        "run-2": "accepted",
    }


def test_later_rows_wait_for_their_hour(world: DeliveryWorld) -> None:
    later = AS_OF + timedelta(hours=2)
    run = make_run(world.home, [message(1), message(2, send_not_before=naive_utc(later)), message(3)])
    destination = Destination()
    result = world.deliver(run, destination)
    assert (result.counts, result.next_due) == ({"accepted": 2, "planned": 1}, later)
    world.clock.step_to(later)
    result = world.deliver(run, destination)
    assert (result.counts, result.next_due) == ({"accepted": 3}, None)
    assert destination.asked["person2@example.com"] == 1


def test_rows_whose_window_has_passed_expire(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(1), message(2, expires_at=naive_utc(AS_OF))])
    destination = Destination()
    assert world.deliver(run, destination).counts == {"accepted": 1, "expired": 1}
    assert destination.asked == {"person1@example.com": 1}
    assert {row["state"] for row in world.receipts()} == {"accepted", "expired"}


def test_rows_expire_also_while_others_are_sent(world: DeliveryWorld) -> None:
    soon = AS_OF + timedelta(minutes=5)
    run = make_run(world.home, [message(number, expires_at=naive_utc(soon)) for number in range(20)])

    def take_long(_request: Request) -> Answer:
        world.clock.step_to(soon)
        return Answer(State.ACCEPTED)

    assert world.deliver(run, Destination(take_long)).counts == {"accepted": 10, "expired": 10}


def test_who_opted_out_after_the_freeze_is_not_asked(world: DeliveryWorld) -> None:
    run = make_run(world.home, [message(number) for number in range(4)])
    destination = Destination()
    recheck = OptOuts([("message", 2, "unsubscribed"), ("membership", 1, "unsubscribed")])
    assert world.deliver(run, destination, recheck=recheck).counts == {"accepted": 3, "excluded": 1}
    assert "person2@example.com" not in destination.asked
    assert [row["reason"] for row in world.receipts() if row["state"] == "excluded"] == ["unsubscribed"]


def test_an_opt_out_between_two_requests_counts_for_the_second(world: DeliveryWorld) -> None:
    recheck = OptOuts()

    def opt_out(_request: Request) -> Answer:
        recheck.rows, recheck.has_changed = [("message", 15, "unsubscribed")], True
        return Answer(State.ACCEPTED)

    run = make_run(world.home, [message(number) for number in range(20)])
    destination = Destination(opt_out)
    assert world.deliver(run, destination, recheck=recheck).counts == {"accepted": 19, "excluded": 1}
    assert "person15@example.com" not in destination.asked


def test_a_template_that_changed_after_the_freeze_is_not_sent(world: DeliveryWorld) -> None:
    changed = {"hello": Content("hello", "def456def456", "email", {"text": "Hey"}, frozenset())}
    destination = Destination()
    with pytest.raises(ConfigurationError, match="changed after the freeze"):
        world.deliver(make_run(world.home, [message(1)]), destination, content=changed)
    assert destination.requests == []


def test_a_frozen_file_that_lost_rows_is_not_sent(world: DeliveryWorld) -> None:
    rows = [message(number) for number in range(20)]
    world.deliver(make_run(world.home, rows), Destination(), should_stop=lambda: True)
    destination = Destination()
    with pytest.raises(JournalUnsafeError, match="does not hold the rows"):
        world.deliver(make_run(world.home, rows[:-1]), destination)
    assert destination.requests == []


def test_sets_remove_before_they_add_and_doubt_waits_for_the_next_freeze(world: DeliveryWorld) -> None:
    rows = [membership(1, "remove"), *(membership(number) for number in range(2, 30))]
    run = make_run(world.home, memberships=rows)
    answers = [Answer(State.IN_DOUBT, "timeout")]
    destination = Destination(
        lambda _: answers.pop() if answers else Answer(State.ACCEPTED, "1 of 10 entries invalid"),
        name="meta",
        capability=Capability.SET,
    )
    result = world.deliver(run, destination, ADS)
    assert result.counts == {"in_doubt": 1, "accepted": 28}
    assert [request.operation for request in destination.requests][:2] == [Operation.REMOVE, Operation.ADD]
    assert destination.requests[0].audience == "audience-1"
    assert destination.requests[0].rows.column_names == [
        *("position", "message_id", "customer_id", "email", "phone", "external_id")
    ]
    assert world.deliver(run, destination, ADS).requests == 0
    receipts = world.receipts("membership_receipts")
    assert Counter(row["state"] for row in receipts) == {"in_doubt": 1, "accepted": 28}
    assert {row["email"] for row in receipts} == {row["email"] for row in rows}


@pytest.mark.parametrize("is_of_an_earlier_version", [False, True])
def test_a_customers_id_at_the_destination_reaches_it_and_the_ledger(
    world: DeliveryWorld, *, is_of_an_earlier_version: bool
) -> None:
    """A run that was frozen before the column was known is sent as well, without it."""
    rows = [membership(1, destination="crm", email=None, external_id="profile-1")]
    run = make_run(world.home, memberships=rows)
    if is_of_an_earlier_version:
        file = run.file(Kind.MEMBERSHIP)
        pq.write_table(pq.read_table(file).drop_columns(["external_id"]), file)
    destination = Destination(name="crm", capability=Capability.FILE)
    assert world.deliver(run, destination, ADS).counts == {"accepted": 1}
    expected = None if is_of_an_earlier_version else "profile-1"
    (request,) = destination.requests
    assert request.rows["external_id"].to_pylist() == [expected]
    assert [row["external_id"] for row in world.receipts("membership_receipts")] == [expected]


def test_a_home_of_an_earlier_version_gets_the_columns_of_this_one(world: DeliveryWorld) -> None:
    ensure_ledger(world.home)
    (file,) = (world.home.ledger / "membership_receipts").glob("*.parquet")
    pq.write_table(pq.read_table(file).drop_columns(["external_id"]), file)
    ensure_ledger(world.home)
    assert pq.read_schema(file) == MEMBERSHIP_RECEIPTS


def test_another_destinations_rows_are_left_to_it(world: DeliveryWorld) -> None:
    run = make_run(
        world.home, [message(1), message(2, channel="sms", destination="twilio", address="+15550100123")]
    )
    destination = Destination()
    assert world.deliver(run, destination).counts == {"accepted": 1, "planned": 1}
    assert destination.asked == {"person1@example.com": 1}


def test_progress_counts_people_with_an_answer(world: DeliveryWorld) -> None:
    seen: list[Progress] = []
    world.deliver(
        make_run(world.home, [message(number) for number in range(25)]), Destination(), progress=seen.append
    )
    assert [(step.done, step.total) for step in seen] == [(10, 25), (20, 25), (25, 25)]
