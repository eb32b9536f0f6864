"""A campaign that waits for its approver: its place is kept, its content cannot change, opt-outs still count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import WEDNESDAY, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("approval")

RUN = "20171122T140000Z"
APPROVER = "head-of-crm@example.com"


@pytest.fixture(scope="module")
def home(make_home: Callable[..., Home], copy_project: Callable[..., Path]) -> Home:
    changes = {"models/campaigns/cmp_vip_offer.sql": ("2000 as approval_above", "2 as approval_above")}
    home = make_home(project=copy_project(changes))
    home.muster("run", "--as-of", WEDNESDAY, expect=3)
    return home


def test_what_waits_is_not_sent_and_the_rest_is(home: Home) -> None:
    assert "vip_offer" not in home.states()
    assert set(home.states()["weekly_reactivation"]) == {"accepted"}
    assert "waits for approval" in home.muster("status")
    assert not [row for row in home.accepted() if row["destination"] == "twilio"]


def test_another_run_in_between_respects_the_reservations_of_the_one_that_waits(home: Home) -> None:
    waiting = {
        row[0] for row in home.rows("select customer_id from {outbox_messages} where campaign = 'vip_offer'")
    }
    home.muster("run", "--as-of", "2017-11-21T14:00", "--run-id", "between", expect=0)
    reasons = dict(
        home.rows("select customer_id, reason from {decisions} where campaign = 'vip_offer'", "between")
    )
    assert waiting
    assert {reasons[customer] for customer in waiting if customer in reasons} == {"already_in_slot"}


def test_only_the_approver_approves_and_a_ceiling_below_the_plan_changes_nothing(home: Home) -> None:
    assert "is approved by head-of-crm@example.com" in home.muster("approve", RUN, "vip_offer", expect=2)
    told = home.muster("approve", RUN, "vip_offer", "--by", APPROVER, "--up-to", "1")
    assert "still waits" in told
    home.muster("resume", RUN, expect=3)
    assert not [row for row in home.accepted() if row["destination"] == "twilio"]


def test_a_consent_withdrawn_or_lapsed_while_it_waited_is_honoured_after_the_approval(home: Home) -> None:
    (who, customer), (lapsed, lapsed_customer), *others = home.rows(
        "select min(profile_id), customer_id from {profile_customers} where customer_id in "
        "(select customer_id from {outbox_messages} where campaign = 'vip_offer') group by customer_id order by 1"
    )
    home.drop(
        "consent.events",
        "opt_outs.csv",
        "profile_id,email,phone,channel,purpose,state,basis,occurred_at,expires_at,proof\n"
        f"{who},,,sms,marketing,withdrawn,consent,2017-11-21T15:00:00,,asked on the phone\n"
        f"{lapsed},,,sms,marketing,granted,consent,2017-11-22T14:30:00,2017-11-21T14:00:00,for a day\n",
    )
    assert "resume" in home.muster("approve", RUN, "vip_offer", "--by", APPROVER, "--reason", "looked at")
    home.muster("resume", RUN)
    assert home.states()["vip_offer"] == {"accepted": len(others), "excluded": 2}
    told = {row["message_id"] for row in home.accepted() if row["destination"] == "twilio"}
    out = home.rows(
        f"select message_id from {{outbox_messages}} where customer_id in ('{customer}', '{lapsed_customer}')"
    )
    assert not told & {row[0] for row in out}
    assert home.contacted_twice() == []
