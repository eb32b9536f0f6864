"""A consent that a destination asks for itself, taken back between freeze and delivery."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from guard_world import AS_OF, DAY, FrozenWorld, make_world

from activation.clock import SimulatedClock, naive_utc
from activation.recheck import FrozenRecheck

pytestmark = pytest.mark.xdist_group("dbt")

LATER = AS_OF + timedelta(hours=1)
CHANGES = [
    ("google", "add", "c1"), ("meta", "add", "c1"), ("google", "remove", "c1"), ("google", "add", "c2"),
    ("google", "add", "c3"),
]  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, recheck_script: str) -> FrozenWorld:
    """Everybody in it has consented to audience matching, and three are about to enter or leave a set."""
    world = make_world(tmp_path / "home", recheck_script)
    rows = [
        {
            "position": position, "campaign": "ads", "customer_id": customer, "channel": "ads",
            "destination": destination, "purpose": "audience_matching", "operation": operation,
        }
        for position, (destination, operation, customer) in enumerate(CHANGES)
    ]  # fmt: skip
    file = world.run.directory / "outbox_memberships.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(file)), file)
    said = [wish(number, "audience_matching", "granted") for number in (1, 2, 3)]
    world.landed("consent.events", said, AS_OF - DAY, "ads")
    return world


def wish(number: int, purpose: str, state: str) -> dict[str, object]:
    said = {"profile_id": f"p{number}", "channel": "ads", "purpose": purpose, "state": state}
    return said | {"occurred_at": naive_utc(AS_OF - DAY)}


def stopped(world: FrozenWorld) -> dict[int, str]:
    """Which changes of sets are stopped, and why."""
    clock = SimulatedClock(world.home.path / "clock.json")
    clock.step_to(LATER)
    rows = FrozenRecheck(world.home, world.run, clock).opted_out(LATER).to_pylist()
    return {row["position"]: row["reason"] for row in rows if row["kind"] == "membership"}


def test_who_was_never_asked_was_not_to_be_asked(world: FrozenWorld) -> None:
    assert stopped(world) == {}


def test_who_takes_it_back_enters_no_set_there_and_may_still_leave(world: FrozenWorld) -> None:
    said = [wish(1, "ad_personalization", "withdrawn"), wish(2, "ad_user_data", "granted")]
    world.landed("consent.events", said, AS_OF, "late")
    assert stopped(world) == {0: "no_destination_consent"}


def test_who_withdraws_from_the_channel_itself_is_stopped_everywhere(world: FrozenWorld) -> None:
    said = [wish(1, "audience_matching", "withdrawn"), wish(1, "ad_user_data", "withdrawn")]
    world.landed("consent.events", said, AS_OF, "late")
    assert stopped(world) == {0: "consent_withdrawn", 1: "consent_withdrawn"}
