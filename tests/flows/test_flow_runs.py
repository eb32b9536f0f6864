"""The flows end to end: on a server, over a real home, against the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from flow_world import Shop, artifacts_of, log_of
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_HOME

from activation.clock import clock_of
from activation.errors import DestinationDownError, HeldError
from activation.frozen import read_frozen
from activation.guard import release
from flows import steps
from flows.resume_due import resume_due
from flows.run_campaigns import run_campaigns

pytestmark = pytest.mark.xdist_group("flows")

CAMPAIGNS = ("vip_offer", "weekly_reactivation", "nightly_ads_suppression")
RUN = {"campaigns": list(CAMPAIGNS), "as_of": "2017-11-22T14:00", "run_id": "monday"}
NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Story:
    """Flow runs in the order in which they were made, and the requests that the sandbox had had after each."""

    states: dict[str, State]
    requests: dict[str, int]


@pytest.fixture(scope="module")
def story(shop: Shop) -> Story:
    states: dict[str, State] = {}
    requests: dict[str, int] = {}

    def note(name: str, state: State) -> None:
        states[name], requests[name] = state, shop.sandbox.requests

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps.deliver, "retry_delay_seconds", 0)
        patch.setenv("MUSTER_SENDGRID_BASE_URL", NOBODY_LISTENS)
        note("down", run_campaigns(**RUN, return_state=True))
        patch.setattr(steps, "report_step", lambda *_: None)  # the run has reported the same just now
        note("still down", resume_due(return_state=True))
    note("resumed", resume_due(return_state=True))
    note("again", run_campaigns(**RUN, return_state=True))
    # What declining a campaign does; from then on the run holds it.
    release(shop.home, read_frozen(shop.home, "monday"), "vip_offer", "declined", clock_of(shop.home).now())
    note("held", run_campaigns(**RUN, return_state=True))
    note("nothing due", resume_due(as_of="2017-11-22T14:00", return_state=True))
    return Story(states, requests)


def test_a_run_shows_what_was_built_decided_and_delivered(story: Story) -> None:
    first, again = artifacts_of(story.states["down"]), artifacts_of(story.states["again"])
    shown = {"waterfall", "guards", "delivery"}
    assert {key for key in first if not key.startswith("progress-")} == shown | {"dbt-results"}
    assert '"kind": "model", "status": "success"' in first["dbt-results"]
    assert set(again) == shown, "what is frozen is not built again"
    for campaign in CAMPAIGNS:
        assert f"### {campaign} (2017-" in again["waterfall"]
        assert f"{campaign}: may go" in again["waterfall"]
        assert f'"campaign": "{campaign}", "verdict": "go"' in again["delivery"]
        assert f'"campaign": "{campaign}", "verdict": "go"' in again["guards"]
    assert "| candidates |" in again["waterfall"]


def test_how_far_a_delivery_is_is_shown(story: Story) -> None:
    assert float(artifacts_of(story.states["down"])["progress-vip-offer"]) == 100
    assert float(artifacts_of(story.states["resumed"])["progress-weekly-reactivation"]) == 100


def test_a_destination_that_is_down_is_tried_again_told_and_hides_no_other(story: Story) -> None:
    down = story.states["down"]
    assert down.is_failed()
    with pytest.raises(DestinationDownError, match=r"down: weekly_reactivation: .*stays planned"):
        down.result()
    assert "down: weekly_reactivation" in str(down.message)
    log = log_of(down)
    assert "Retry 2/2" in log
    assert "report" in log, "what the other destinations took is in the reports"
    assert story.requests["down"] > 0


def test_an_hourly_resume_tells_what_is_still_down_and_sends_it_once_it_is_not(story: Story) -> None:
    still = story.states["still down"]
    with pytest.raises(DestinationDownError, match=r"^run monday: down: weekly_reactivation: "):
        still.result()
    assert "Retry" not in log_of(still), "the next hour is the next try"
    assert "waterfall" not in artifacts_of(still), "the run itself has shown it"
    assert story.states["resumed"].is_completed()
    assert story.requests["resumed"] > story.requests["still down"]


def test_the_same_run_again_completes_without_a_request(story: Story) -> None:
    assert story.states["again"].is_completed()
    assert story.requests["again"] == story.requests["resumed"]


def test_nobody_was_accepted_twice(story: Story, shop: Shop) -> None:
    accepted = [
        json.dumps({key: value for key, value in line.items() if key != "at"}, sort_keys=True)
        for line in shop.sandbox.accepted()
    ]
    assert story.requests["again"]
    assert accepted
    assert len(accepted) == len(set(accepted))


def test_a_held_run_fails_and_says_what_holds_it(story: Story) -> None:
    held = story.states["held"]
    assert held.is_failed()
    with pytest.raises(HeldError, match=r"^held: vip_offer: it was held or declined before"):
        held.result()
    assert "held: vip_offer: it was held or declined before" in str(held.message)
    assert "- vip_offer: **held**" in artifacts_of(held)["waterfall"]
    assert '"verdict": "hold"' in artifacts_of(held)["guards"]
    assert story.requests["held"] == story.requests["again"]


def test_an_hourly_resume_leaves_finished_runs_alone_and_does_not_tell_again_what_holds(story: Story) -> None:
    assert story.states["nothing due"].is_completed()
    assert "delivered of run" not in log_of(story.states["nothing due"])
    assert story.requests["nothing due"] == story.requests["again"]


def test_no_address_and_no_token_is_on_the_server(story: Story, server: Path) -> None:
    for state in story.states.values():
        assert "Finished in state" in log_of(state)
    errors = [file.read_bytes() for file in (PREFECT_HOME.value() / "storage").iterdir()]
    assert any(b"activation.errors.HeldError" in error for error in errors)
    kept = b"".join([*errors, *(file.read_bytes() for file in server.parent.glob(f"{server.name}*"))])
    assert b"weekly_reactivation" in kept
    for secret in (b"@example.com", b"@household", b"+1555", b"sandbox-token", b"sandbox-password"):
        assert secret not in kept, secret
