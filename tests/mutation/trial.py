"""Which mutants are noticed: their worlds are decided again, and compared with the oracle.

World by world: a mutant that gives the same rows as its model decides the same, so nothing below it need run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1] / "decisions"))

from comparison import decided_by_oracle, differences
from decision_layer import Engine
from mutants import Mutant
from worlds import World


def survivors(engine: Engine, mutants: Iterable[Mutant], worlds: Iterable[World]) -> list[Mutant]:
    """The mutants that no world tells from the rules. A mutant that is no SQL is none, and left out."""
    alive: Sequence[Mutant] = list(mutants)
    for world in worlds:
        if not alive:
            break
        engine.load(world.tables, world.as_of)
        engine.build()
        expected = decided_by_oracle(world)
        assert not differences(engine, expected), "the rules themselves are wrong; see tests/decisions"
        kept = {model.name: _sorted(engine, model.sql) for model in {mutant.model for mutant in alive}}
        alive = [
            mutant for mutant in alive if not _is_noticed(engine, mutant, kept[mutant.model.name], expected)
        ]
    return list(alive)


def _is_noticed(engine: Engine, mutant: Mutant, kept: list[str], expected: tuple[object, ...]) -> bool:
    try:
        if _sorted(engine, mutant.sql) == kept:
            return False
    except duckdb.BinderException:
        return True  # it cannot be built: dbt itself notices
    engine.connection.execute("begin")
    try:
        engine.put(mutant.model, mutant.sql)
        engine.build(engine.layer.below(mutant.model.name))
        return bool(differences(engine, expected))
    except duckdb.Error:
        return True
    finally:
        engine.connection.execute("rollback")


def _sorted(engine: Engine, sql: str) -> list[str]:
    return sorted(map(str, engine.query(sql)))
