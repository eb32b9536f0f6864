"""The error that a flow run ends in says all that needs a person, and the gravest names it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from activation.delivery import DeliveryResult
from activation.errors import DestinationDownError, HeldError, InDoubtError
from activation.frozen import FrozenRun
from activation.guard import Ruling, Verdict
from activation.run import Outcome
from flows.outcome import deliveries_of, error_of, plain_deliveries, plain_rulings, rulings_of

RUN = FrozenRun("monday", datetime(2026, 11, 23, 14, tzinfo=UTC), "d1", Path("frozen"))
DUE = datetime(2026, 11, 23, 18, tzinfo=UTC)


def ruling(campaign: str, verdict: Verdict, *reasons: str) -> Ruling:
    return Ruling(campaign, verdict, reasons, 7)


def delivery(campaign: str, in_doubt: int = 0, why_down: str = "") -> DeliveryResult:
    counts = {"accepted": 7 - in_doubt, "in_doubt": in_doubt}
    return DeliveryResult(campaign, counts, 3, bool(why_down), why_down, DUE)


def outcome(rulings: list[Ruling], *deliveries: DeliveryResult) -> Outcome:
    return Outcome(
        RUN,
        {ruling.campaign: ruling for ruling in rulings},
        {delivery.campaign: delivery for delivery in deliveries},
    )


def test_verdicts_and_counts_survive_the_way_between_two_tasks() -> None:
    given = outcome(
        [ruling("email", Verdict.GO), ruling("sms", Verdict.HOLD, "stale")], delivery("email", in_doubt=2)
    )
    assert rulings_of(plain_rulings(given.rulings)) == given.rulings
    assert deliveries_of(plain_deliveries(given.deliveries)) == given.deliveries


def test_a_run_in_which_all_went_ends_well() -> None:
    assert error_of(outcome([ruling("email", Verdict.GO)], delivery("email"))) is None


def test_a_reason_that_several_share_is_said_once() -> None:
    error = error_of(
        outcome([ruling("email", Verdict.HOLD, "stale"), ruling("sms", Verdict.HOLD, "stale", "collapsed")])
    )
    assert isinstance(error, HeldError)
    assert str(error) == "held: email, sms: stale; held: sms: collapsed"


def test_what_waits_for_approval_says_how_to_give_it() -> None:
    error = error_of(outcome([ruling("email", Verdict.APPROVE, "7 people, 5 without approval")]))
    assert isinstance(error, HeldError)
    assert "held: email waits for approval: 7 people, 5 without approval" in str(error)
    assert "`muster approve monday email`, then `muster resume monday`" in str(error)


def test_the_gravest_trouble_names_the_error_and_the_others_are_told_too() -> None:
    rulings = [ruling("email", Verdict.GO), ruling("ads", Verdict.GO), ruling("sms", Verdict.HOLD, "stale")]
    doubtful = error_of(outcome(rulings, delivery("email", in_doubt=2), delivery("ads")))
    assert isinstance(doubtful, InDoubtError)
    assert "in doubt: email: the outcome is unknown for 2 people; `muster doubt`" in str(doubtful)
    assert "held: sms: stale" in str(doubtful)
    down = error_of(outcome(rulings, delivery("email", in_doubt=2), delivery("ads", why_down="refused")))
    assert isinstance(down, DestinationDownError)
    assert str(down).startswith("down: ads: refused; what was not sent stays planned; in doubt: email: ")
