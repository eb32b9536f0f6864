"""One campaign, several destinations: each gets its rows, and the campaign has one result."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_world import ADS, AS_OF, CAMPAIGN, DeliveryWorld, OptOuts, make_run, membership, message

from activation import run as steps
from activation.clock import naive_utc
from activation.connectors import registry
from activation.connectors.file_drop import Form, file_destination
from activation.frozen import FrozenRun
from activation.guard import Ruling, Verdict
from activation.run import deliver_step

# Destinations of one's own: directories, each one line in the registry.
DROPS = {
    "set_drop": file_destination("set_drop", "ads", Form.MEMBERSHIPS),
    "another_drop": file_destination("another_drop", "ads", Form.MEMBERSHIPS),
    "post_drop": file_destination("post_drop", "social", Form.MESSAGES),
    "case_drop": file_destination("case_drop", "support", Form.MESSAGES),
}
NO_TEMPLATE = {"template": None, "message_version": None}


@pytest.fixture(autouse=True)
def drops(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in DROPS.items():
        monkeypatch.setitem(registry.AS_FILES, name, kind)


@pytest.fixture(autouse=True)
def nobody_opts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "FrozenRecheck", lambda *_: OptOuts())


def go(campaign: str) -> dict[str, Ruling]:
    return {campaign: Ruling(campaign, Verdict.GO, (), 1)}


def files(world: DeliveryWorld, destination: str) -> list[Path]:
    return sorted((world.home.drops / destination).glob("*.jsonl"))


def lines(world: DeliveryWorld, destination: str) -> list[str]:
    return [line for file in files(world, destination) for line in file.read_text().splitlines()]


def set_of_two(world: DeliveryWorld) -> FrozenRun:
    rows = [membership(number, destination="set_drop") for number in range(5)]
    rows += [membership(number + 5, destination="another_drop") for number in range(3)]
    return make_run(world.home, memberships=rows)


def test_each_destination_gets_its_rows_and_the_campaign_one_result(world: DeliveryWorld) -> None:
    result = deliver_step(world.home, set_of_two(world), go(ADS), world.clock)[ADS]
    assert (result.counts, result.requests) == ({"accepted": 8}, 2)
    assert (result.is_down, result.next_due) == (False, None)
    assert (len(lines(world, "set_drop")), len(lines(world, "another_drop"))) == (5, 3)


def test_again_nothing_is_written(world: DeliveryWorld) -> None:
    run = set_of_two(world)
    deliver_step(world.home, run, go(ADS), world.clock)
    result = deliver_step(world.home, run, go(ADS), world.clock)[ADS]
    assert (result.counts, result.requests) == ({"accepted": 8}, 0)
    assert [len(files(world, name)) for name in ("set_drop", "another_drop")] == [1, 1]


def test_one_that_is_down_does_not_stop_the_other(world: DeliveryWorld) -> None:
    world.home.drops.mkdir()
    (world.home.drops / "set_drop").write_text("in the way")
    result = deliver_step(world.home, set_of_two(world), go(ADS), world.clock)[ADS]
    assert result.counts == {"accepted": 3, "planned": 5}
    assert result.is_down
    assert result.why_down == "file_eexist"
    assert result.next_due is not None


def test_messages_of_two_destinations_each_go_when_they_are_due(world: DeliveryWorld) -> None:
    """A message without a template is its fields; the clock of a rehearsal steps on to the later ones."""
    later = {"send_not_before": naive_utc(AS_OF + timedelta(hours=3))}
    rows = [
        message(1, channel="social", destination="post_drop", address="net:1", **NO_TEMPLATE),
        message(2, channel="support", destination="case_drop", address="p2", **NO_TEMPLATE),
        message(3, channel="social", destination="post_drop", address="net:3", **NO_TEMPLATE, **later),
    ]
    result = deliver_step(world.home, make_run(world.home, rows), go(CAMPAIGN), world.clock)[CAMPAIGN]
    assert (result.counts, result.requests, result.next_due) == ({"accepted": 3}, 3, None)
    assert world.clock.now() == AS_OF + timedelta(hours=3)
    assert {json.loads(line)["address"] for line in lines(world, "post_drop")} == {"net:1", "net:3"}
    assert len(lines(world, "case_drop")) == 1
