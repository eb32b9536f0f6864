"""One run in which one campaign waits for its approver, one is held by a failing test, and the others go.

The place of who waits is kept, its content cannot change, opt-outs still count; who is held gives its place back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import PROJECT, WEDNESDAY, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("approval")

RUN = "20171122T140000Z"
APPROVER = "head-of-crm@example.com"


@pytest.fixture(scope="module")
def first_run(make_home: Callable[..., Home], copy_project: Callable[..., Path]) -> tuple[Home, str]:
    """A home, and what its first run told."""
    failing = "{{ config(severity='warn') }}\nselect customer_id from {{ ref('aud_lapsed_customers') }}"
    changes = {
        "models/campaigns/cmp_vip_offer.sql": ("2000 as approval_above", "2 as approval_above"),
        "tests/dbt/audiences/assert_nobody_has_lapsed.sql": ("", failing),
    }
    home = make_home(project=copy_project(changes))
    return home, home.muster("run", "--as-of", WEDNESDAY, expect=3)


@pytest.fixture(scope="module")
def home(first_run: tuple[Home, str]) -> Home:
    return first_run[0]


def rulings(home: Home) -> dict[str, str]:
    (run,) = [run for run in home.json("status")["runs"] if run["run_id"] == RUN]
    return dict(run["rulings"])


def test_what_waits_is_not_sent_and_the_rest_is(home: Home) -> None:
    assert "vip_offer" not in home.states()
    assert set(home.states()["feedback_request"]) == {"accepted"}
    assert "waits for approval" in home.muster("status")
    assert not [row for row in home.accepted() if row["destination"] == "twilio"]


def test_a_failing_test_on_one_audience_holds_the_campaign_below_it_and_no_other(
    first_run: tuple[Home, str],
) -> None:
    home, told = first_run
    assert "HELD: test assert_nobody_has_lapsed failed on" in told
    held = {name for name, ruling in rulings(home).items() if ruling == "hold"}
    assert held == {"weekly_reactivation"}
    assert "weekly_reactivation" not in home.states()
    assert not [row for row in home.accepted() if row.get("campaign") == "weekly_reactivation"]


def test_another_run_in_between_keeps_the_place_of_who_waits_and_sends_what_was_held(home: Home) -> None:
    waiting = {
        row[0] for row in home.rows("select customer_id from {outbox_messages} where campaign = 'vip_offer'")
    }
    mended = Home(home.path, PROJECT)
    mended.muster(
        "run", "vip_offer", "weekly_reactivation", "--as-of", "2017-11-22T16:00", "--run-id", "between"
    )
    reasons = dict(
        home.rows("select customer_id, reason from {decisions} where campaign = 'vip_offer'", "between")
    )
    assert waiting
    assert {reasons[customer] for customer in waiting if customer in reasons} == {"already_in_slot"}
    assert [row for row in home.accepted() if row.get("campaign") == "weekly_reactivation"]
    assert home.contacted_twice() == []


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
    home.muster("resume", RUN, expect=3)  # for what is held
    assert home.states()["vip_offer"] == {"accepted": len(others), "excluded": 2}
    told = {row["message_id"] for row in home.accepted() if row["destination"] == "twilio"}
    out = home.rows(
        f"select message_id from {{outbox_messages}} where customer_id in ('{customer}', '{lapsed_customer}')"
    )
    assert not told & {row[0] for row in out}
    assert home.contacted_twice() == []
