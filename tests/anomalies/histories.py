"""Histories of campaigns, day by day: steady ones with weekdays of their own, and what can happen to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np

AS_OF = datetime(2026, 3, 31, 9, tzinfo=UTC)
DAYS = 112


class Fate(StrEnum):
    """What befell a history. Unsafe are those whose audience today is not what anybody meant."""

    UNTOUCHED = "untouched"
    COLLAPSE = "collapse"
    DOUBLING = "doubling"
    RUNAWAY = "runaway drift"
    DRIFT = "slow drift"
    HOLIDAY = "holiday gap"
    COLLAPSE_AFTER_HOLIDAY = "collapse after a holiday gap"


UNSAFE = frozenset({Fate.COLLAPSE, Fate.DOUBLING, Fate.RUNAWAY, Fate.COLLAPSE_AFTER_HOLIDAY})
MUTATED: tuple[Fate, ...] = tuple(fate for fate in Fate if fate is not Fate.UNTOUCHED)


@dataclass(frozen=True)
class History:
    """The sizes of one campaign's audience: of the days before, and of today."""

    campaign: str
    fate: Fate
    before: dict[date, int]
    today: int

    def rows(self) -> list[dict[str, Any]]:
        """As the ledger's campaign sizes are staged."""
        days = sorted(self.before, reverse=True)
        return [
            {"campaign": self.campaign, "run_rank": rank, "people_eligible": self.before[day],
             "people_planned": self.before[day], "max_drop_share": 0.6,
             "as_of": datetime(day.year, day.month, day.day, 9)}  # noqa: DTZ001 - UTC without a zone, as the ledger
            for rank, day in enumerate(days, 1)
        ]  # fmt: skip


def history(number: int, fate: Fate) -> History:
    """The history of a number: the same for ever."""
    dice = np.random.default_rng([number, list(Fate).index(fate)])
    base = 10 ** dice.uniform(2.5, 4.7)
    noise = dice.uniform(0.01, 0.08)
    weekdays = dice.uniform(0.3, 1, 7)
    is_weekly = dice.random() < 0.3
    per_week = {
        Fate.DRIFT: dice.uniform(0.97, 1.03),
        Fate.RUNAWAY: dice.choice([dice.uniform(1.16, 1.3), dice.uniform(0.7, 0.84)]),
    }.get(fate, 1.0)
    sizes = {}
    for back in range(DAYS, -1, -1):
        day = (AS_OF - timedelta(days=back)).date()
        size = (
            base * weekdays[day.weekday()] * per_week ** (-back / 7) * np.exp(noise * dice.standard_normal())
        )
        if not back or (dice.random() > 0.05 and not (is_weekly and back % 7)):
            sizes[day] = round(size)
    today = sizes.pop(AS_OF.date())
    if fate in {Fate.HOLIDAY, Fate.COLLAPSE_AFTER_HOLIDAY}:
        _take_a_holiday(sizes, dice)
    if fate in {Fate.COLLAPSE, Fate.COLLAPSE_AFTER_HOLIDAY}:
        today = round(today * dice.uniform(0, 0.4))
    if fate is Fate.DOUBLING:
        today = round(today * dice.uniform(2, 3))
    return History(f"{fate.value} {number}".replace(" ", "_"), fate, sizes, today)


def _take_a_holiday(sizes: dict[date, int], dice: np.random.Generator) -> None:
    """One or two weeks, a while ago, without runs or with hardly anybody."""
    first = int(dice.integers(1, 40))
    share = float(dice.choice([0, dice.uniform(0.05, 0.4)]))
    for back in range(first, first + int(dice.integers(7, 15))):
        day = (AS_OF - timedelta(days=back)).date()
        if day in sizes and share:
            sizes[day] = round(sizes[day] * share)
        else:
            sizes.pop(day, None)
