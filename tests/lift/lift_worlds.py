"""Simulated campaigns of which the true lift is known: skewed spend, and a period before that foretells the one after.

A world is a campaign: people with a propensity to buy, a part of them held out, an effect on how many buy and on how
much they spend. What it truly brings is an integral over the propensity, by Gauss-Hermite quadrature, and no
estimate. Each world is drawn from the seed of its number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LOOKS = 50
PROPENSITY_SPREAD = 1.5  # of the log odds of buying
AMOUNT_SPREAD, AMOUNT_BY_PROPENSITY = 0.6, 0.4  # of the logarithm of an order's amount
LEAST_HELD_OUT = 250

Vector = npt.NDArray[np.float64]
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class World:
    """What is true of one campaign: the share who would buy unasked, and what being asked adds.

    ``more_buyers`` is added to the log odds of buying, ``more_spend`` multiplies what a buyer spends.
    """

    number: int
    people: int
    holdout_share: float
    log_odds: float
    level: float
    more_buyers: float
    more_spend: float

    def true_lift(self, metric: str) -> float:
        """The difference of the expectations of ``converted`` or ``net_spend`` between treated and held out."""
        asked, unasked = (self._mean(metric, treated=treated) for treated in (True, False))
        return asked - unasked

    def _mean(self, metric: str, *, treated: bool) -> float:
        buys = _share(self.log_odds + PROPENSITY_SPREAD * _POINTS + (self.more_buyers if treated else 0))
        if metric == "converted":
            return float(_WEIGHTS @ buys)
        amount = np.exp(self.level + AMOUNT_BY_PROPENSITY * _POINTS + AMOUNT_SPREAD**2 / 2)
        return float(_WEIGHTS @ (buys * amount)) * (self.more_spend if treated else 1)


def world(number: int) -> World:
    """The world of a number: the same for ever. Every fourth has no effect at all."""
    dice = np.random.default_rng([number, 1])
    share = float(dice.choice([0.05, 0.1, 0.2, 0.5]))
    without = number % 4 == 0
    return World(
        number=number,
        people=max(int(dice.integers(1500, 5000)), int(1.15 * LEAST_HELD_OUT / share)),
        holdout_share=share,
        log_odds=float(dice.uniform(-2.2, -0.5)),
        level=float(dice.uniform(1, 4)),
        more_buyers=0.0 if without else float(dice.uniform(-0.4, 0.8)),
        more_spend=1.0 if without else float(dice.uniform(0.8, 1.4)),
    )


def people_of(drawn: World) -> pa.Table:
    """One row per person in the order of entry, with the look from which on the person counts."""
    dice = np.random.default_rng([drawn.number, 2])
    size = drawn.people
    propensity = dice.standard_normal(size)
    held_out = dice.random(size) < drawn.holdout_share
    log_odds = drawn.log_odds + PROPENSITY_SPREAD * propensity
    before = _buys(dice, log_odds)
    after = _buys(dice, log_odds + np.where(held_out, 0, drawn.more_buyers))
    spent_before, spent = (
        bought * np.exp(
            drawn.level + AMOUNT_BY_PROPENSITY * propensity + AMOUNT_SPREAD * dice.standard_normal(size)
        )
        for bought in (before, after)
    )  # fmt: skip
    return pa.table(
        {
            "world": np.full(size, drawn.number, dtype=np.int32),
            "look": (np.arange(size) * LOOKS // size + 1).astype(np.int32),
            "is_held_out": held_out,
            "net_spend": spent * np.where(held_out, 1, drawn.more_spend),
            "net_spend_before": spent_before,
            "has_bought": after,
            "has_bought_before": before,
            "holdout_share": np.full(size, drawn.holdout_share),
        }
    )


def _share(log_odds: Vector) -> Vector:
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def _buys(dice: np.random.Generator, log_odds: Vector) -> npt.NDArray[np.bool_]:
    return np.asarray(dice.random(len(log_odds)) < _share(log_odds))
