"""The rest of a campaign leaves when its canary was sent, waited for, and found well; by the run's own frozen rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from guard_world import AS_OF, CAMPAIGN, CANARY, FrozenWorld, address

from activation.approvals import Approval, Subject, record
from activation.canary import CanaryState, first_position_of_wave_1, gate, released
from activation.clock import naive_utc

pytestmark = pytest.mark.xdist_group("dbt")
WAIT = timedelta(minutes=30)
WELL = dict.fromkeys(range(CANARY), "accepted")


def say(world: FrozenWorld, *, granted: bool, subject: Subject = Subject.CANARY) -> None:
    word = Approval(
        world.run.run_id, CAMPAIGN, world.run.digest, granted, 10, "head-of-crm@example.com", "asserted", "", AS_OF,
        subject,
    )  # fmt: skip
    record(world.home, world.run, word)


def test_nothing_behind_the_canary_leaves_before_all_of_it_was_sent(world: FrozenWorld) -> None:
    found = gate(world.home, world.run, CAMPAIGN, AS_OF)
    assert (found.state, found.until, found.check_at) == (CanaryState.WAITING, CANARY, None)
    world.told({0: "accepted"})
    late = gate(world.home, world.run, CAMPAIGN, AS_OF + 10 * WAIT)
    assert late.state is CanaryState.WAITING
    assert late.reason.startswith("3 messages")


def test_the_rest_leaves_once_the_wait_is_over(world: FrozenWorld) -> None:
    world.told(WELL)
    early = gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT - timedelta(seconds=1))
    assert (early.state, early.check_at) == (CanaryState.WAITING, AS_OF + WAIT)
    assert gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT).state is CanaryState.RELEASED
    assert released(world.home, world.run, CAMPAIGN, AS_OF + WAIT)


def test_a_campaign_without_a_canary_does_not_wait(world: FrozenWorld) -> None:
    assert first_position_of_wave_1(world.run, "another") is None
    assert released(world.home, world.run, "another", AS_OF)


@pytest.mark.parametrize(
    ("states", "word"),
    [(("refused", "refused"), "refused"), (("in_doubt", "in_doubt"), "in doubt")],
)
def test_what_went_wrong_with_the_canary_holds_the_rest(
    world: FrozenWorld, states: tuple[str, ...], word: str
) -> None:
    world.told(WELL | {0: states[0]})
    assert gate(
        world.home, world.run, CAMPAIGN, AS_OF + WAIT
    ).is_open  # a quarter, allowed is less than a half
    world.told({1: states[1]}, AS_OF + timedelta(seconds=1))
    found = gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT + timedelta(hours=1))
    assert (found.state, found.until) == (CanaryState.HELD, CANARY)
    assert word in found.reason
    assert "--canary" in found.reason


def test_a_doubt_that_was_cleared_up_holds_nobody(world: FrozenWorld) -> None:
    world.told(WELL | {0: "in_doubt", 1: "in_doubt"})
    world.told({0: "accepted"}, AS_OF + timedelta(minutes=1))
    assert gate(world.home, world.run, CAMPAIGN, AS_OF + timedelta(hours=1)).is_open


def test_complaints_and_hard_bounces_of_the_canary_alone_count(world: FrozenWorld) -> None:
    world.told(WELL)
    after = AS_OF + timedelta(minutes=5)
    world.reported("complaint", CANARY, at=after)
    world.reported("bounce", 0, detail="soft", at=after)
    world.reported("bounce", 1, detail="hard", at=after)
    assert gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT).is_open
    world.reported("complaint", 2, at=after)
    found = gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT)
    assert found.state is CanaryState.HELD
    assert found.reason.startswith("1 of the 4 messages of the canary drew a complaint")


def test_a_report_about_an_address_counts_from_the_send_on(world: FrozenWorld) -> None:
    world.told(WELL)
    for days, is_open in ((-1, True), (0, False)):
        row = {
            "email": address(0), "email_normalised": address(0), "event": "complaint",
            "occurred_at": naive_utc(AS_OF + timedelta(days=days, minutes=1)),
        }  # fmt: skip
        world.landed("provider.email_events", [row], AS_OF + timedelta(minutes=1), f"address{days}")
        assert gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT).is_open is is_open


def test_a_canary_of_which_nothing_was_sent_proves_nothing(world: FrozenWorld) -> None:
    world.told(dict.fromkeys(range(CANARY), "excluded"))
    assert gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT).state is CanaryState.HELD


def test_the_approvers_word_on_the_canary_comes_before_the_check(world: FrozenWorld) -> None:
    world.told(WELL | {0: "refused", 1: "refused"})
    say(world, granted=True, subject=Subject.CAMPAIGN)
    assert not released(world.home, world.run, CAMPAIGN, AS_OF + WAIT), (
        "a word on the size says nothing of the canary"
    )
    say(world, granted=True)
    assert released(world.home, world.run, CAMPAIGN, AS_OF + WAIT)


def test_a_declined_rest_stays_where_it_is(world: FrozenWorld) -> None:
    world.told(WELL)
    say(world, granted=False)
    assert gate(world.home, world.run, CAMPAIGN, AS_OF + WAIT).state is CanaryState.HELD
