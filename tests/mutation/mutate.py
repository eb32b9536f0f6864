"""``make mutants``: how many wrong versions of the shared rules the worlds of ``tests/decisions`` tell from right ones.

Prints a table, and every mutant that lives. Exits 1 where one does. Writes nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "decisions"))

from decision_layer import Engine, load_layer
from equivalent import EQUIVALENT
from mutants import Mutant, small_mutants, whole_mutants
from trial import survivors
from worlds import World, make_world

WORLDS = 400
LARGEST, MOST_CAMPAIGNS = 25, 5


def fixed_worlds(count: int) -> Iterator[World]:
    """The same worlds every time, each in two orders of its rows: a rule must not rest on one."""
    for seed in range(count):
        world = make_world(seed, 1 + seed % LARGEST, 1 + seed // 3 % MOST_CAMPAIGNS)
        yield world if seed % 2 else world.shuffled(seed)


def table(mutants: list[Mutant], alive: list[Mutant]) -> str:
    """Per model how many mutants there were and how many were killed, and the score."""
    made, living = (Counter(mutant.model.name for mutant in group) for group in (mutants, alive))
    lines = [f"{name:22} {made[name] - living[name]:4} of {made[name]:4}" for name in made]
    killed = len(mutants) - len(alive)
    lines.append(f"{'killed':22} {killed:4} of {len(mutants):4}, {killed / len(mutants):.1%}")
    return "\n".join([*lines, *(f"alive: {mutant.model.name}: {mutant.name}" for mutant in alive)])


def main() -> int:
    """Run every mutant until a world kills it."""
    engine = Engine(load_layer())
    mutants = [*whole_mutants(engine.layer), *small_mutants(engine.layer)]
    alive = survivors(engine, mutants, fixed_worlds(WORLDS))
    sys.stdout.write(f"{table(mutants, alive)}\n{len(EQUIVALENT)} kinds of equivalent mutants are left out\n")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
