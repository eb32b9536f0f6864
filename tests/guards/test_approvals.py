"""A word of the approver counts for one run, one content and one subject; of removals the next run learns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from guard_world import AS_OF, CAMPAIGN, RUN, FrozenWorld

from activation import ledger
from activation.approvals import Approval, HeldSet, Subject, approve_removals, held_sets, record, standing
from activation.clock import naive_utc
from activation.errors import ConfigurationError
from activation.home import write_atomically
from activation.request import RunRequest, record_request

pytestmark = pytest.mark.xdist_group("dbt")
WORD = Approval(
    RUN, CAMPAIGN, "digest", is_granted=True, up_to=1600, by="head-of-crm@example.com", authentication="asserted",
    reason="looked at", at=AS_OF, subject=Subject.REMOVALS, system_user="ada",
)  # fmt: skip


def approved(world: FrozenWorld) -> list[dict[str, object]]:
    rows = pq.read_table(world.home.ledger / "removal_approvals")
    assert rows.schema.names == ledger.REMOVAL_APPROVALS.names
    return rows.select(["run_id", "destination", "audience", "up_to", "known_at"]).to_pylist()


def test_held_removals_are_approved_for_each_set_that_is_held(world: FrozenWorld) -> None:
    held = held_sets(world.run, CAMPAIGN)
    assert held == [HeldSet("meta", "set1", 1500)]
    approve_removals(world.home, world.run, WORD, held, AS_OF + timedelta(minutes=1))
    at = naive_utc(AS_OF + timedelta(minutes=1))
    expected = {"run_id": RUN, "destination": "meta", "audience": "set1", "up_to": 1600, "known_at": at}
    assert approved(world) == [expected]
    assert standing(world.home, world.run, CAMPAIGN, Subject.REMOVALS) == WORD


def test_declined_removals_are_allowed_to_nobody(world: FrozenWorld) -> None:
    word = replace(WORD, is_granted=False)
    approve_removals(world.home, world.run, word, held_sets(world.run, CAMPAIGN), AS_OF)
    assert [row["up_to"] for row in approved(world)] == [0]


def test_only_the_last_run_of_the_campaign_can_be_approved(world: FrozenWorld) -> None:
    later = RunRequest(
        "later", AS_OF + timedelta(days=1), AS_OF + timedelta(days=1), (CAMPAIGN,), "scheduler"
    )
    record_request(world.home, later)
    approve_removals(world.home, world.run, WORD, held_sets(world.run, CAMPAIGN), AS_OF)  # not decided yet
    write_atomically(world.home.run_directory("later") / "frozen" / "manifest.json", b"{}")
    with pytest.raises(ConfigurationError, match="run later has decided"):
        approve_removals(world.home, world.run, WORD, held_sets(world.run, CAMPAIGN), AS_OF)


def test_a_word_is_about_one_subject_and_void_where_the_content_changed(world: FrozenWorld) -> None:
    record(world.home, world.run, replace(WORD, subject=Subject.CAMPAIGN))
    assert standing(world.home, world.run, CAMPAIGN) is not None
    assert standing(world.home, world.run, CAMPAIGN, Subject.REMOVALS) is None
    assert standing(world.home, replace(world.run, digest="another"), CAMPAIGN) is None
    with pytest.raises(ConfigurationError, match="another content"):
        record(world.home, replace(world.run, digest="another"), WORD)


def test_nobody_approves_what_they_asked_for_or_less_than_nobody(world: FrozenWorld) -> None:
    with pytest.raises(ConfigurationError, match="another person must"):
        record(world.home, world.run, replace(WORD, by="scheduler"))
    with pytest.raises(ConfigurationError, match="no number of people"):
        record(world.home, world.run, replace(WORD, up_to=-1))
