"""Eight bugs, each put into delivery or its SQL, and which invariant catches it: what proves the harness."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import delivery_world as small
from forked import asked
from kills import Tally, faults, finish, overlaps, random_kills
from place import CLASSES, Shape, make, place
from rules import USUAL, may_go, messages_by_night

FIRE = Shape(CLASSES["fire_and_forget"])
MOST_TRIALS = 60


@dataclass(frozen=True)
class Caught:
    """One bug: what caught it, and after how many trials; ``is_clean`` where the same without the bug is well."""

    bug: str
    trials: int
    broken: tuple[str, ...]
    is_clean: bool

    @property
    def invariants(self) -> str:
        """Which invariants were broken."""
        return ", ".join(
            sorted({text.split(":")[0].removeprefix("invariant ") for text in self.broken}, key=int)
        )


def all_bugs(directory: Path, _shape: Shape, template: Path, seed: int) -> list[Caught]:
    """Try each bug until it is caught, and then the same without it."""
    return [caught(name, directory, template, seed) for name in SCENARIOS]


def caught(name: str, directory: Path, template: Path, seed: int) -> Caught:
    """Try one bug until it is caught, at most 60 times, and then as often without it."""
    bitten = SCENARIOS[name](directory, template, seed, name, MOST_TRIALS)
    clean = SCENARIOS[name](directory, template, seed, "", bitten.trials)
    return Caught(name, bitten.trials, tuple(bitten.broken), not clean.broken)


def _killed(directory: Path, template: Path, seed: int, bug: str, trials: int) -> Tally:
    return random_kills(directory, FIRE, template, trials, seed, bug=bug)


def _overlapped(directory: Path, template: Path, seed: int, bug: str, trials: int) -> Tally:
    bugs = "+".join(filter(None, ("without_lock", bug)))
    return overlaps(directory, FIRE, template, trials, seed, bug=bugs, sleeps=False)


def _failed(directory: Path, template: Path, seed: int, bug: str, trials: int) -> Tally:
    return faults(directory, FIRE, template, trials, seed, bug=bug, kind="accept_then_500")


def _by_night(directory: Path, _template: Path, seed: int, bug: str, trials: int) -> Tally:
    dice = random.Random(seed)
    tally = Tally("changing clocks")
    while tally.trials < trials and not tally.broken:
        tally.trials += 1
        evening, rows = asked(messages_by_night, dice, 12, bug)
        dice.random()
        template = directory / f"night-{bug}-{tally.trials}"
        asked(make, template, FIRE, {"messages": rows}, evening)
        with place(directory, template, FIRE) as at:
            finish(at, tally)
    return tally


def _guarded(directory: Path, _template: Path, seed: int, bug: str, trials: int) -> Tally:
    dice = random.Random(seed)
    tally = Tally("guard of sizes")
    while tally.trials < trials and not tally.broken:
        tally.trials += 1
        people = dice.choice((USUAL - 5, USUAL, USUAL + 5, 3 * USUAL, 10 * USUAL, 1))
        rows = {"messages": [small.message(number, destination=FIRE.destination) for number in range(people)]}
        home = directory / f"guarded-{bug}-{tally.trials}"
        asked(make, home, FIRE, rows)
        is_plausible = USUAL / 2 <= people <= USUAL * 1.5
        with place(directory, home, FIRE) as at:
            if asked(may_go, at.path / "guards", small.CAMPAIGN, people, bug):
                finish(at, tally)
            if at.requests() and not is_plausible:
                tally.broken.append(
                    f"invariant 6: {people} people, {USUAL} are usual, and requests were made"
                )
            if not at.requests() and is_plausible:
                tally.broken.append(f"invariant 6: {people} people were held, and {USUAL} are usual")
    return tally


SCENARIOS: dict[str, Callable[[Path, Path, int, str, int], Tally]] = {
    "record_after_sending": _killed,
    "claim_without_count": _overlapped,
    "retry_on_500": _failed,
    "no_recheck": _killed,
    "checkpoint_at_fetch": _killed,
    "lock_file": _killed,
    "day_of_24_hours": _by_night,
    "guard_of_itself": _guarded,
}
