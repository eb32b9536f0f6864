"""No shared rule can be removed or turned around unnoticed; ``make mutants`` tries every small change."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "decisions"))

from decision_layer import Engine, load_layer
from mutants import RULES, unchanged, whole_mutants
from mutate import fixed_worlds, table
from trial import survivors

pytestmark = pytest.mark.xdist_group("decisions")
WORLDS = 90


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_layer())


def test_every_rule_removed_or_turned_around_is_noticed(engine: Engine) -> None:
    mutants = whole_mutants(engine.layer)
    assert {mutant.model.name for mutant in mutants} == {*RULES, "decision_send_times", "decision_log"}
    alive = survivors(engine, mutants, fixed_worlds(WORLDS))
    print(table(mutants, alive))  # noqa: T201
    assert not alive, table(mutants, alive)


def test_a_rule_that_is_only_written_anew_is_not(engine: Engine) -> None:
    """Else a mutant might be killed by the way it is made."""
    mutants = list(unchanged(engine.layer))
    assert survivors(engine, mutants, fixed_worlds(3)) == mutants
