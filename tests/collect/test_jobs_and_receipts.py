"""What platforms tell later of what they took: jobs of sets, receipts of pushes; and refusals that say more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests
from delivery_world import ADS, AS_OF, DeliveryWorld, Destination, make_run, membership, message, opened
from feedback import Feedback, counts

from activation.clock import naive_utc
from activation.home import World, open_home
from activation.landing.load import land
from activation.ledger import MEMBERSHIP_RECEIPTS, append
from activation.sandbox import Sandbox
from activation.types import Answer, RowVerdict, State

PHONES = [f"+1555010{number:04}" for number in range(3)]
TOKENS = ["ExponentPushToken[here]", "ExponentPushToken[gone]", "ExponentPushToken[old]"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with opened(open_home(tmp_path / "home", create=World.REHEARSAL)) as world:
        yield world


def receipts(world: DeliveryWorld, *rows: dict[str, Any]) -> None:
    """Receipts of sets whose jobs are told by name."""
    common = {
        "run_id": "run-1", "as_of": naive_utc(AS_OF), "known_at": naive_utc(AS_OF), "attempted_at": naive_utc(AS_OF),
        "campaign": ADS, "operation": "add", "state": "accepted", "destination": "google", "audience": "a1",
    }  # fmt: skip
    table = pa.Table.from_pylist([common | row for row in rows], schema=MEMBERSHIP_RECEIPTS)
    append(world.home, "membership_receipts", "run-1-test", table)


def test_audiences_of_meta_are_asked_for_once_a_day(world: DeliveryWorld) -> None:
    run = make_run(world.home, memberships=[membership(0), membership(1, audience="audience-failed")])
    assert world.deliver(run, Destination(name="meta", channel="ads", connection="META"), ADS).counts == {
        "accepted": 2
    }
    feedback = Feedback(world.home)
    with Sandbox(world.home):
        assert counts(feedback.collect("sets")) == {"read": 2, "new": 2}
        assert counts(feedback.collect("sets")) == {"read": 2, "repeated": 2}
        world.clock.step_to(AS_OF + timedelta(days=1))
        assert counts(feedback.collect("sets")) == {"read": 2, "new": 2}
    found = {(row["audience"], row["state"], row["reason"]) for row in feedback.events("provider.set_jobs")}
    assert found == {("audience-1", "succeeded", "meta_200"), ("audience-failed", "failed", "meta_470")}
    assert land(world.home, feedback.clock.now()).quarantined == 0


def test_a_job_is_asked_for_until_it_has_ended(world: DeliveryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_GOOGLE_ACCOUNT", "1234567890")
    feedback = Feedback(world.home)
    with Sandbox(world.home) as sandbox:
        job = google_job(sandbox, "unprocessable@example.com")
        receipts(
            world, {"change_id": "c1", "provider_id": job}, {"change_id": "c2", "provider_id": "unknown"}
        )
        first = feedback.collect("sets")
        assert counts(first) == {"read": 1, "ignored": 1}
        assert first.problem is not None
        assert "google" in first.problem
        assert counts(feedback.collect("sets")) == {"read": 1, "new": 1}
        (row,) = feedback.events("provider.set_jobs")
        assert (row["destination"], row["provider_id"], row["state"]) == ("google", job, "failed")
        land(world.home, feedback.clock.now())
        assert counts(feedback.collect("sets")) == {}


def google_job(sandbox: Sandbox, email: str) -> str:
    body = {
        "destinations": [
            {
                "operatingAccount": {"accountId": "1", "accountType": "GOOGLE_ADS"},
                "productDestinationId": "a1",
            }
        ],
        "audienceMembers": [
            {"userData": {"userIdentifiers": [{"emailAddress": hashlib.sha256(email.encode()).hexdigest()}]}}
        ],
        "encoding": "HEX",
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }
    url = f"{sandbox.url}/google/v1/audienceMembers:ingest"
    reply = requests.post(url, json=body, headers={"Authorization": "Bearer t"}, timeout=5)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["requestId"])


def test_receipts_of_pushes_and_refused_tokens_take_the_token_away(world: DeliveryWorld) -> None:
    feedback = Feedback(world.home)
    rows = [message(n, channel="push", destination="expo", address=TOKENS[n]) for n in range(3)]
    run = make_run(world.home, rows)
    with Sandbox(world.home) as sandbox:
        sent = [{"to": token, "title": "a", "body": "b"} for token in TOKENS[:2]]
        url = f"{sandbox.url}/expo/--/api/v2/push/send"
        reply = requests.post(url, json=sent, headers={"Authorization": "Bearer t"}, timeout=5).json()
        tickets = [each["id"] for each in reply["data"]]
        verdicts = {n: RowVerdict(State.ACCEPTED, "", tickets[n]) for n in range(2)}
        verdicts[2] = RowVerdict(State.REFUSED, "expo_DeviceNotRegistered")
        answer = Answer(State.ACCEPTED, rows=verdicts)
        world.deliver(run, Destination(lambda _: answer, name="expo", channel="push"))
        assert counts(feedback.collect("push")) == {"read": 3, "new": 3}
        assert counts(feedback.collect("push")) == {"read": 3, "repeated": 3}
    found = {
        (row["push_token"], row["event"], row["detail"]) for row in feedback.events("provider.push_events")
    }
    assert found == {
        (TOKENS[0], "delivered", None),
        (TOKENS[1], "unregistered", "expo_DeviceNotRegistered"),
        (TOKENS[2], "unregistered", "expo_DeviceNotRegistered"),
    }


def test_a_number_that_twilio_refuses_as_opted_out_has_said_stop(world: DeliveryWorld) -> None:
    rows = [message(n, channel="sms", destination="twilio", address=PHONES[n]) for n in range(2)]
    run = make_run(world.home, rows)
    verdicts = {1: RowVerdict(State.REFUSED, "twilio_21610")}
    answer = Answer(State.ACCEPTED, provider_id="SM0", rows=verdicts)
    world.deliver(run, Destination(lambda _: answer, name="twilio", channel="sms"))
    feedback = Feedback(world.home)
    with Sandbox(world.home):
        assert counts(feedback.collect("twilio")) == {"read": 1, "new": 1}
        assert counts(feedback.collect("twilio")) == {"read": 1, "repeated": 1}
    (row,) = feedback.events("provider.sms_events")
    assert (row["phone"], row["event"], row["detail"]) == (PHONES[1], "stop", "twilio_21610")
    assert row["message_id"] == rows[1]["message_id"]
