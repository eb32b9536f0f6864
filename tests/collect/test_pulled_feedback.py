"""Lists and messages that are pulled from the vendors' twins: whole, page by page, once, and with patience."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import requests
from feedback import NOW, Feedback, counts

from activation.collect import collect as collecting
from activation.collect import sendgrid, twilio
from activation.errors import ConfigurationError
from activation.sandbox import Sandbox
from activation.sandbox.events import KINDS, emit


def accepted(feedback: Feedback, people: int, destination: str = "sendgrid") -> None:
    address = "person{}@example.com" if destination == "sendgrid" else "+15550{:06}"
    lines = [
        {
            "at": NOW.isoformat(), "destination": destination, "campaign": "hello", "message_id": f"{number:032x}",
            "address": address.format(number), "provider_id": f"SM{number:032x}",
        }
        for number in range(people)
    ]  # fmt: skip
    feedback.home.sandbox.mkdir(exist_ok=True)
    (feedback.home.sandbox / "accepted.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def forget_pushed(feedback: Feedback) -> None:
    for file in (feedback.home.path / "feedback").rglob("*.*"):
        file.unlink()


def test_suppression_lists_are_pulled_whole_and_once(feedback: Feedback, sandbox: Sandbox) -> None:
    people = 2 * sendgrid.PAGE + 1
    accepted(feedback, people)
    emit(feedback.home, {"bounce": 1.0, "complaint": 0.1, "unsubscribe": 0.1}, NOW)
    forget_pushed(feedback)
    first = feedback.collect("sendgrid")
    found = Counter((row["event"], row["detail"]) for row in feedback.events("provider.email_events"))
    assert found["bounce", "hard"] == people
    assert 50 < found["complaint", None] < 150
    assert first.new == first.read == sum(found.values())
    assert sandbox.requests == 3 + 4

    again = feedback.collect("sendgrid")
    assert (again.new, again.repeated) == (0, first.new)


def test_a_pull_begins_where_the_last_one_ended_less_a_day(feedback: Feedback, sandbox: Sandbox) -> None:
    accepted(feedback, 10)
    emit(feedback.home, {"bounce": 1.0}, NOW)
    forget_pushed(feedback)
    feedback.collect("sendgrid")
    cursor = json.loads((feedback.home.path / "collected" / "sendgrid" / "cursor.json").read_text())
    assert cursor["bounces"] == str(int(NOW.timestamp()))
    assert cursor["spam_reports"] == "0"
    assert sandbox.requests == len(sendgrid.LISTS)


def test_messages_of_twilio_are_pulled_page_by_page(feedback: Feedback, sandbox: Sandbox) -> None:
    people = 2 * twilio.PAGE + 1
    accepted(feedback, people, "twilio")
    emit(feedback.home, {"undelivered": 0.2, "stop": 0.1}, NOW)
    forget_pushed(feedback)
    found = feedback.collect("twilio")
    events = Counter(row["event"] for row in feedback.events("provider.sms_events"))
    assert events["sent"] + events["undelivered"] == people
    assert events["stop"] > 0
    assert found.new == sum(events.values())
    assert sandbox.requests == 3
    assert feedback.collect("twilio").new == 0


def test_a_429_is_waited_for_and_a_refusal_is_told_and_keeps_what_was_read(
    feedback: Feedback, sandbox: Sandbox
) -> None:
    accepted(feedback, 3)
    emit(feedback.home, {"bounce": 1.0, "unsubscribe": 1.0}, NOW)
    forget_pushed(feedback)
    sandbox.script(
        {"path_prefix": "/sendgrid/v3/suppression/bounces", "fault": "retry_after:0.1", "count": 2}
    )
    sandbox.script({"path_prefix": "/sendgrid/v3/suppression/unsubscribes", "fault": "status:403"})
    found = feedback.collect("sendgrid")
    assert found.new == 3
    assert found.problem is not None
    assert "http_403" in found.problem
    assert "example.com" not in found.problem
    again = feedback.collect("sendgrid")
    assert (again.new, again.repeated, again.problem) == (3, 3, None)


def test_a_long_wait_is_for_the_next_collection(feedback: Feedback, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": "/sendgrid", "fault": "retry_after:3600"})
    found = feedback.collect("sendgrid")
    assert found.problem == "sendgrid: asks to wait 3600 s; the next `muster collect` goes on"


@pytest.mark.parametrize("fault", ["drop", "status:503", "garbage"])
def test_a_lost_answer_is_asked_for_again(feedback: Feedback, sandbox: Sandbox, fault: str) -> None:
    accepted(feedback, 3)
    emit(feedback.home, {"bounce": 1.0}, NOW)
    forget_pushed(feedback)
    sandbox.script({"path_prefix": "/sendgrid/v3/suppression", "fault": fault})
    found = feedback.collect("sendgrid")
    if fault == "garbage":
        assert found.problem == "sendgrid: the list bounces is no JSON array"
        found = feedback.collect("sendgrid")
    assert (found.new, found.problem) == (3, None)


def test_without_a_connection_files_are_read_all_the_same(feedback: Feedback) -> None:
    feedback.push("twilio", "a.txt", "MessageSid=SM1&From=%2B15550100124&Body=STOP")
    found = {each.source: each for each in collecting.collect(feedback.home, feedback.clock)}
    assert not found["twilio"].is_configured
    assert found["twilio"].new == 1
    assert "files only" in collecting.in_words(list(found.values()))
    with pytest.raises(ConfigurationError, match="MUSTER_TWILIO_BASE_URL"):
        feedback.collect("twilio")


def test_the_twins_repeat_themselves_and_a_message_meets_an_event_once(feedback: Feedback) -> None:
    accepted(feedback, 200)
    first = emit(feedback.home, {"bounce": 0.1, "open": 0.5}, NOW)
    assert 8 < first["bounce"] < 35
    assert 70 < first["open"] < 130
    assert emit(feedback.home, {"bounce": 0.1}, NOW) == {}
    more = emit(feedback.home, {"bounce": 0.2}, NOW)
    assert 0 < more["bounce"] < 35
    with pytest.raises(ConfigurationError, match="no event is called 'explosion'"):
        emit(feedback.home, {"explosion": 1.0}, NOW)
    assert counts(pushed(feedback)) == {
        "read": first["bounce"] + first["open"] + more["bounce"],
        "new": first["bounce"] + first["open"] + more["bounce"],
    }
    assert "conversion" in KINDS


def pushed(feedback: Feedback) -> collecting.Collected:
    return next(
        each for each in collecting.collect(feedback.home, feedback.clock) if each.source == "sendgrid"
    )


def test_events_are_asked_for_over_the_control_address_too(feedback: Feedback, sandbox: Sandbox) -> None:
    accepted(feedback, 5)
    reply = requests.post(f"{sandbox.url}/_muster/events", json={"bounce": 1.0}, timeout=5)
    assert (reply.status_code, reply.json()) == (200, {"bounce": 5})
    reply = requests.post(f"{sandbox.url}/_muster/events", json={"odd": 1.0}, timeout=5)
    assert reply.status_code == 400
