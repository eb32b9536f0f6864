"""A feed of objections that is missing, shrunken or too old at the delivery stops it."""

from __future__ import annotations

from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from guard_world import AS_OF, DAY, FrozenWorld

from activation.clock import SimulatedClock
from activation.errors import HeldError
from activation.feeds import check_feeds
from activation.landing.contract import SCHEMA_FILE
from activation.recheck import FrozenRecheck

pytestmark = pytest.mark.xdist_group("dbt")


def test_feeds_as_the_run_saw_them_stop_nothing(world: FrozenWorld) -> None:
    check_feeds(world.home, world.run, AS_OF)
    clock = SimulatedClock(world.home.path / "clock.json")
    clock.step_to(AS_OF)
    assert FrozenRecheck(world.home, world.run, clock).opted_out(AS_OF).num_rows == 0


def test_a_file_that_is_gone_stops_the_send_also_where_newer_rows_make_up_for_it(world: FrozenWorld) -> None:
    (file,) = (f for f in (world.home.landing / "consent/events").glob("*.parquet") if f.name != SCHEMA_FILE)
    rows = pq.read_table(file).to_pylist()
    file.unlink()
    world.landed("consent.events", rows * 3, AS_OF, "newer")
    with pytest.raises(HeldError, match=r"consent\.events is missing files.*resume"):
        check_feeds(world.home, world.run, AS_OF)


def test_rows_that_are_gone_stop_the_send_unless_a_purge_took_them(world: FrozenWorld) -> None:
    (file,) = (f for f in (world.home.landing / "consent/events").glob("*.parquet") if f.name != SCHEMA_FILE)
    pq.write_table(pq.read_table(file).slice(0, 8), file)
    clock = SimulatedClock(world.home.path / "clock.json")
    clock.step_to(AS_OF)
    with pytest.raises(HeldError, match=r"has 8 rows, fewer than the 10"):
        FrozenRecheck(world.home, world.run, clock).opted_out(AS_OF)
    world.removed("consent.events", 2)
    check_feeds(world.home, world.run, AS_OF)


def test_age_is_asked_at_the_delivery_clock_and_a_newer_load_makes_it_fresh(world: FrozenWorld) -> None:
    at_limit = AS_OF - DAY + timedelta(hours=48)
    check_feeds(world.home, world.run, at_limit)
    too_late = at_limit + timedelta(hours=1)
    with pytest.raises(HeldError, match=r"was last loaded 49 hours ago, the limit is 48"):
        check_feeds(world.home, world.run, too_late)
    row = {"profile_id": "p0", "channel": "email", "purpose": "marketing", "state": "granted"}
    world.landed("consent.events", [row], too_late + DAY, "of_the_future")
    with pytest.raises(HeldError, match="49 hours"):
        check_feeds(world.home, world.run, too_late)
    world.landed("consent.events", [row], at_limit, "newer")
    check_feeds(world.home, world.run, too_late)


def test_a_load_with_nothing_new_is_a_load(world: FrozenWorld) -> None:
    late = AS_OF + timedelta(days=3)
    load = {
        "file": "e.csv",
        "source_table": "consent.events",
        "rows_read": 0,
        "rows_landed": 0,
        "rows_quarantined": 0,
    }
    world.landed("muster.loads", [load | {"reason": "has no column state"}], late, "set_aside")
    with pytest.raises(HeldError, match="75 hours"):
        check_feeds(world.home, world.run, AS_OF + timedelta(days=2, hours=3))
    world.landed("muster.loads", [load], AS_OF + DAY, "empty")
    check_feeds(world.home, world.run, AS_OF + timedelta(days=2, hours=3))


def test_a_feed_that_cannot_be_read_stops_the_send_and_nothing_of_it_is_told(world: FrozenWorld) -> None:
    for file in (world.home.landing / "consent/events").glob("*.parquet"):
        file.write_bytes(b"person0@example.com")
    with pytest.raises(HeldError, match="cannot be read") as caught:
        check_feeds(world.home, world.run, AS_OF)
    assert "@" not in str(caught.value)
