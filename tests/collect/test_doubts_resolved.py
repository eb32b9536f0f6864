"""What feedback proves of messages whose answer was lost, and what the ledger hears of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery_world import AS_OF, CAMPAIGN, DeliveryWorld, Destination, make_run, message, opened
from feedback import Feedback, sendgrid_event

from activation.accounts import in_doubt
from activation.collect import collect as collecting
from activation.collect.doubts import resolve
from activation.connectors.twilio import Twilio
from activation.frozen import FrozenRun
from activation.home import World, open_home
from activation.sandbox import Sandbox
from activation.types import Answer, State


@pytest.fixture
def world(tmp_path: Any) -> Iterator[DeliveryWorld]:
    with opened(open_home(tmp_path / "home", create=World.REHEARSAL)) as world:
        yield world


def lost(world: DeliveryWorld, people: int, **changes: Any) -> FrozenRun:
    """A run all of whose answers are lost."""
    run = make_run(world.home, [message(number, **changes) for number in range(people)])
    channel = changes.get("channel", "email")
    name = "twilio" if channel == "sms" else "sendgrid"
    destination = Destination(lambda _: Answer(State.IN_DOUBT, "timeout"), name=name, channel=channel)
    assert world.deliver(run, destination).counts == {"in_doubt": people}
    return run


def states(world: DeliveryWorld) -> Counter[str]:
    """The latest state of each message, by the ledger."""
    rows = sorted(world.receipts(), key=lambda row: (row["known_at"], row["state"] != "in_doubt"))
    return Counter({row["message_id"]: row["state"] for row in rows}.values())


def test_an_event_of_a_message_proves_that_the_provider_took_it(world: DeliveryWorld) -> None:
    lost(world, 25)
    feedback = Feedback(world.home)
    events = [
        sendgrid_event("processed", number=1, message_id=message(1)["message_id"]),
        sendgrid_event("bounce", type="bounce", number=2, message_id=message(2)["message_id"]),
        sendgrid_event("dropped", reason="Bounced Address", number=3, message_id=message(3)["message_id"]),
        sendgrid_event("dropped", reason="Bounced Address", number=4, message_id=message(4)["message_id"]),
        sendgrid_event("delivered", number=4, message_id=message(4)["message_id"]),
        sendgrid_event("open", number=99, message_id=message(99)["message_id"]),
        sendgrid_event("open", number=5),
    ]
    feedback.push("sendgrid", "a.json", json.dumps(events))
    found = collected(feedback, "sendgrid")
    assert (found.resolved, found.in_doubt) == (4, 21)
    assert states(world) == {"accepted": 3, "refused": 1, "in_doubt": 21}
    assert sum(doubt.people for doubt in in_doubt(world.journal)) == 21


def test_a_repeated_event_still_resolves_and_a_resolved_doubt_stays_so(world: DeliveryWorld) -> None:
    feedback = Feedback(world.home)
    events = json.dumps([sendgrid_event("open", number=1, message_id=message(1)["message_id"])])
    feedback.push("sendgrid", "early.json", events)
    collected(feedback, "sendgrid")
    run = lost(world, 2)
    feedback.push("sendgrid", "again.json", events)
    assert collected(feedback, "sendgrid").resolved == 1
    late = [sendgrid_event("dropped", reason="x", number=1, message_id=message(1)["message_id"])]
    feedback.push("sendgrid", "late.json", json.dumps(late))
    assert collected(feedback, "sendgrid").resolved == 0
    assert states(world) == {"accepted": 1, "in_doubt": 1}
    destination = Destination()
    assert world.deliver(run, destination).counts == {"accepted": 1, "in_doubt": 1}
    assert destination.requests == []


def test_when_all_of_a_request_are_proven_nothing_of_it_is_in_doubt(world: DeliveryWorld) -> None:
    lost(world, 3)
    feedback = Feedback(world.home)
    events = [sendgrid_event("delivered", number=n, message_id=message(n)["message_id"]) for n in range(3)]
    feedback.push("sendgrid", "a.json", json.dumps(events))
    found = collected(feedback, "sendgrid")
    assert (found.resolved, found.in_doubt) == (3, 0)
    assert in_doubt(world.journal) == []


def twilio_list(feedback: Feedback, rows: list[tuple[str, str, datetime]]) -> None:
    """What the vendor's twin would tell: id, number and time of messages that it took."""
    lines = [
        {
            "at": at.isoformat(),
            "destination": "twilio",
            "message_id": None,
            "address": number,
            "provider_id": sid,
        }
        for sid, number, at in rows
    ]
    feedback.home.sandbox.mkdir(exist_ok=True)
    (feedback.home.sandbox / "accepted.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_text_without_our_id_is_known_by_its_number_and_time(world: DeliveryWorld) -> None:
    phone = [f"+1555010{number:04}" for number in range(4)]
    rows = [message(n, channel="sms", destination=Twilio.name, address=phone[n]) for n in range(4)]
    run = make_run(world.home, rows)
    doubtful = Destination(lambda _: Answer(State.IN_DOUBT, "timeout"), name="twilio", channel="sms")
    assert world.deliver(run, doubtful).counts == {"in_doubt": 4}
    feedback = Feedback(world.home)
    near, far = AS_OF + timedelta(seconds=30), AS_OF - timedelta(hours=2)
    twilio_list(
        feedback,
        [("SM0", phone[0], near), ("SM1", phone[1], far), ("SM2", phone[2], near), ("SM3", phone[2], near)],
    )
    with Sandbox(world.home):
        found = collected(feedback, "twilio")
    # The second was another message, and of two to the third number nobody knows which is ours.
    assert (found.resolved, found.in_doubt) == (1, 3)
    assert CAMPAIGN in {doubt.campaign for doubt in in_doubt(world.journal)}
    (accepted,) = [row for row in world.receipts() if row["state"] == "accepted"]
    assert accepted["message_id"] == rows[0]["message_id"]


def collected(feedback: Feedback, source: str) -> Any:
    return next(each for each in collecting.collect(feedback.home, feedback.clock) if each.source == source)


def test_a_crash_before_a_doubt_is_resolved_leaves_the_file_to_prove_it(
    world: DeliveryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(world, 2)
    feedback = Feedback(world.home)
    event = sendgrid_event("delivered", number=1, message_id=message(1)["message_id"])
    feedback.push("sendgrid", "a.json", json.dumps([event]))

    def crash(home: Any, journal: Any, proofs: Any, *rest: Any) -> Any:
        if proofs.num_rows:
            raise KeyboardInterrupt
        return resolve(home, journal, proofs, *rest)

    monkeypatch.setattr(collecting, "resolve", crash)
    with pytest.raises(KeyboardInterrupt):
        collected(feedback, "sendgrid")
    monkeypatch.undo()
    found = collected(feedback, "sendgrid")
    assert (found.new, found.repeated, found.resolved) == (0, 1, 1)
    assert len(feedback.events("provider.email_events")) == 1
