"""Two hundred random worlds, decided by the SQL and by an oracle that shares nothing with it."""

from __future__ import annotations

import pytest
from comparison import TOLD, decided_by_oracle, differences, digest
from decision_layer import Engine
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World, make_world

pytestmark = pytest.mark.xdist_group("decisions")

SEEDS = st.integers(0, 2**32 - 1)
WORLDS = st.builds(make_world, SEEDS, st.integers(1, 25), st.integers(1, 5))
PROFILE = settings.get_profile("decisions")


@settings(PROFILE)
@given(world=WORLDS)
def test_every_candidate_gets_the_verdict_that_the_rules_in_words_give(engine: Engine, world: World) -> None:
    engine.load(world.tables, world.as_of)
    engine.build()
    found = differences(engine, decided_by_oracle(world))
    assert not found, "\n".join(found[:TOLD])


@settings(PROFILE, max_examples=25)
@given(world=WORLDS, seed=SEEDS)
def test_the_order_and_the_numbers_of_rows_change_nothing_and_neither_does_a_second_run(
    engine: Engine, world: World, seed: int
) -> None:
    digests = set()
    for same in (world, world, world.shuffled(seed)):
        engine.load(same.tables, same.as_of)
        engine.build()
        digests.add(digest(engine))
    assert len(digests) == 1
