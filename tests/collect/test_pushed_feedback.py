"""Files that a webhook pushed: each event once, bad ones set aside with a reason, nothing lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from feedback import EPOCH, MESSAGE, Feedback, counts, sendgrid_event

from activation.collect import state
from activation.collect.collect import feedback_folder
from activation.errors import ConfigurationError
from activation.landing import contract
from activation.landing.load import land
from activation.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("sandbox")


def test_the_events_of_the_webhook_become_those_of_the_contract(feedback: Feedback) -> None:
    events = [
        sendgrid_event("processed", message_id=MESSAGE),
        sendgrid_event("delivered"),
        sendgrid_event("open", sg_machine_open=True),
        sendgrid_event("bounce", type="bounce", number=2),
        sendgrid_event("bounce", type="blocked", number=3),
        sendgrid_event("spamreport"),
        sendgrid_event("group_unsubscribe", number=4),
        sendgrid_event("dropped", reason="Unsubscribed Address", number=5),
        sendgrid_event("dropped", reason="Bounced Address", number=6),
        sendgrid_event("dropped", reason="Too Many Categories", number=7),
        sendgrid_event("group_resubscribe", number=8),
    ]
    feedback.push("sendgrid", "a.json", json.dumps(events))
    assert counts(feedback.collect("sendgrid")) == {"read": 11, "new": 10, "ignored": 1}
    found = {
        (row["email"][6], row["event"], row["detail"]) for row in feedback.events("provider.email_events")
    }
    assert found == {
        ("1", "processed", None),
        ("1", "delivered", None),
        ("1", "open", "machine"),
        ("2", "bounce", "hard"),
        ("3", "bounce", "soft"),
        ("1", "complaint", None),
        ("4", "unsubscribe", None),
        ("5", "dropped", "unsubscribe"),
        ("6", "dropped", "hard"),
        ("7", "dropped", "other"),
    }
    report = land(feedback.home, feedback.clock.now())
    assert (report.landed, report.quarantined) == (10, 0)


def test_a_repeated_file_or_event_adds_nothing(feedback: Feedback) -> None:
    first = json.dumps([sendgrid_event("open"), sendgrid_event("click")])
    feedback.push("sendgrid", "a.json", first)
    assert counts(feedback.collect("sendgrid")) == {"read": 2, "new": 2}
    land(feedback.home, feedback.clock.now())
    feedback.push("sendgrid", "again.json", first)
    feedback.push(
        "sendgrid", "twice.json", json.dumps([sendgrid_event("open"), sendgrid_event("open", number=2)])
    )
    assert counts(feedback.collect("sendgrid")) == {"read": 4, "new": 1, "repeated": 3}
    assert list(feedback_folder(feedback.home, "sendgrid").iterdir()) == []
    assert [row["email"] for row in feedback.events("provider.email_events")] == ["person2@example.com"]


def test_a_bad_event_is_set_aside_with_its_reason_and_costs_itself_alone(feedback: Feedback) -> None:
    bad = [
        17,
        {"email": "person1@example.com", "timestamp": EPOCH},
        sendgrid_event("open", timestamp="yesterday"),
        sendgrid_event("open", timestamp=-5),
        {"event": "open", "timestamp": EPOCH},
    ]
    feedback.push("sendgrid", "a.json", json.dumps([*bad, sendgrid_event("open")]))
    feedback.push("sendgrid", "broken.json", '[{"event": "open"')
    feedback.push("sendgrid", "bytes.json", b'["\xff"]')
    assert counts(feedback.collect("sendgrid")) == {"read": 8, "new": 1, "set_aside": 7}
    assert sorted(feedback.set_aside("sendgrid")) == sorted(
        [
            "is no JSON object",
            "names no event",
            "has no time",
            "has no time",
            "names neither a message nor an address",
            "is no JSON object",
            "not UTF-8",
        ]
    )
    assert "example.com" not in str(feedback.collect("sendgrid"))


def test_a_foreign_message_is_kept_only_where_it_names_an_address(feedback: Feedback) -> None:
    stranger = {"event": "unsubscribe", "timestamp": EPOCH, "message_id": MESSAGE, "sg_event_id": "1"}
    feedback.push(
        "sendgrid",
        "a.json",
        json.dumps([stranger, stranger | {"email": "a@example.com", "sg_event_id": "2"}]),
    )
    assert counts(feedback.collect("sendgrid")) == {"read": 2, "new": 1, "foreign": 1}
    assert [row["email"] for row in feedback.events("provider.email_events")] == ["a@example.com"]


def test_forms_of_twilio_tell_statuses_and_words(feedback: Feedback) -> None:
    to, sender = "To=%2B15550100123", "From=%2B15550100124"
    lines = [
        f"message_id={MESSAGE}&campaign=vip&MessageSid=SM1&MessageStatus=sent&{to}",
        f"message_id={MESSAGE}&campaign=vip&MessageSid=SM1&MessageStatus=delivered&{to}",
        f"message_id={MESSAGE}&MessageSid=SM1&MessageStatus=delivered&{to}",
        f"MessageSid=SM2&MessageStatus=failed&ErrorCode=21610&{to}",
        f"MessageSid=SM3&MessageStatus=undelivered&ErrorCode=30003&{to}",
        f"MessageSid=SM4&Body=Stop%2C+please&{sender}",
        f"MessageSid=SM5&Body=start&{sender}",
        f"MessageSid=SM6&Body=The+end+of+it&{sender}",
        f"MessageSid=SM7&Body=no+more&OptOutType=STOP&{sender}",
        "<html>not a form</html>",
    ]
    feedback.push("twilio", "callbacks.txt", "\n".join(lines))
    assert counts(feedback.collect("twilio")) == {
        "read": 10, "new": 7, "repeated": 1, "ignored": 1, "set_aside": 1,
    }  # fmt: skip
    found = [
        (row["provider_id"], row["event"], row["detail"]) for row in feedback.events("provider.sms_events")
    ]
    assert sorted(found) == [
        ("SM1", "delivered", "delivered"),
        ("SM1", "sent", "sent"),
        ("SM2", "stop", "twilio_21610"),
        ("SM3", "undelivered", "twilio_30003"),
        ("SM4", "stop", "inbound"),
        ("SM5", "start", "inbound"),
        ("SM7", "stop", "inbound"),
    ]


def test_seed_lists_say_where_a_message_was_found(feedback: Feedback) -> None:
    rows = [
        "email,placement,mailbox_provider,occurred_at,message_id",
        f"seed1@example.com,Promotions,Example Mail,2026-03-01T10:00:00+02:00,{MESSAGE}",
        "seed2@example.com,Junk,Example Mail,2026-03-01,",
        "seed3@example.com,nowhere,,2026-03-01,",
        "seed4@example.com,inbox,,soon,",
        "seed5@example.com,inbox",
    ]
    feedback.push("seeds", "results.csv", "\n".join(rows))
    assert counts(feedback.collect("seeds")) == {"read": 5, "new": 2, "set_aside": 3}
    found = [
        (row["event"], row["detail"], f"{row['occurred_at']:%H:%M}")
        for row in feedback.events("provider.inbox_placement")
    ]
    assert sorted(found) == [("inbox", "example mail", "08:00"), ("spam", "example mail", "00:00")]
    assert land(feedback.home, feedback.clock.now()).quarantined == 0


@pytest.mark.parametrize("moment", ["before it counts", "after it counts"])
def test_a_crash_on_the_way_to_the_inbox_loses_nothing_and_repeats_nothing(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    if moment == "after it counts":
        monkeypatch.setattr(state.Memory, "_hand_over", crash)
    else:
        real = contract.write_parquet
        monkeypatch.setattr(
            state,
            "write_parquet",
            lambda file, table: crash() if file.parent.name == "ids" else real(file, table),
        )
    (feedback.home.path / "collected").mkdir()
    feedback.push("seeds", "a.csv", "email,placement,occurred_at\nseed@example.com,inbox,2026-03-01\n")
    # The zero-row file of a first collection is written the same way.
    if moment == "before it counts":
        ids = feedback.home.path / "collected" / "seeds" / "ids"
        real(ids / state.NO_ID, state.IDS.empty_table())
    with pytest.raises(KeyboardInterrupt):
        feedback.collect("seeds")
    assert feedback.events("provider.inbox_placement") == []
    monkeypatch.undo()
    assert counts(feedback.collect("seeds"))["read"] == 1
    assert len(feedback.events("provider.inbox_placement")) == 1


def test_many_collections_keep_few_files_and_forget_nothing(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "FILES_KEPT", 3)
    for number in range(6):
        feedback.push(
            "push", "a.jsonl", json.dumps({"event": "open", "message_id": "m", "push_token": f"t{number}"})
        )
        assert feedback.collect("push").new == 1
    ids = list((feedback.home.path / "collected" / "push" / "ids").iterdir())
    assert len(ids) <= state.FILES_KEPT
    feedback.push("push", "a.jsonl", json.dumps({"event": "open", "message_id": "m", "push_token": "t0"}))
    assert feedback.collect("push").repeated == 1


def test_what_is_kept_of_events_names_nobody(feedback: Feedback) -> None:
    feedback.push("sendgrid", "a.json", json.dumps([sendgrid_event("open")]))
    feedback.collect("sendgrid")
    kept = [file for file in (feedback.home.path / "collected").rglob("*") if file.is_file()]
    assert kept
    assert all(b"example.com" not in file.read_bytes() for file in kept)
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)


def test_a_hidden_or_unfinished_file_is_left_alone(feedback: Feedback) -> None:
    feedback.push("seeds", ".a.csv", "x")
    feedback.push("seeds", "a.tmp", "x")
    assert counts(feedback.collect("seeds")) == {}
    assert sorted(file.name for file in feedback_folder(feedback.home, "seeds").iterdir()) == [
        ".a.csv",
        "a.tmp",
    ]


def test_a_source_that_is_not_known_is_told(feedback: Feedback) -> None:
    with pytest.raises(
        ConfigurationError, match="no source is named 'sendgird'; there are: sendgrid, twilio"
    ):
        feedback.collect("sendgird")


def test_sources_are_folders_of_the_home(feedback: Feedback, sandbox: Sandbox) -> None:
    feedback.collect("seeds")
    assert {file.name for file in Path(feedback.home.path / "feedback").iterdir()} == {
        "sendgrid", "twilio", "bounces", "push", "sets", "seeds",
    }  # fmt: skip
    assert sandbox.requests == 0
