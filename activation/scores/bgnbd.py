"""BG/NBD: how often a customer buys, and whether a customer still does.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2), 275-284. Customers buy at random with rate lambda, which differs between them as a
gamma(r, alpha), and after each purchase leave for good with probability p, which differs as a beta(a, b). Of a
customer it needs three numbers: x repeat purchases, the last of them t_x weeks after the first purchase, and T
weeks since that first purchase. The scores themselves are made in SQL, in ``int_customers_predicted``; the formulas
here are what it is tested against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from activation.scores.likelihood import FitError, Vector, maximise

MIN_CUSTOMERS = 100
MIN_REPEAT_CUSTOMERS = 50


@dataclass(frozen=True)
class BgNbd:
    """The four parameters, by week; ``log_likelihood`` is the sum over ``customers``."""

    r: float
    alpha: float
    a: float
    b: float
    customers: int
    log_likelihood: float

    def probability_alive(self, x: Vector, t_x: Vector, age: Vector) -> Vector:
        """P(alive), that the customer has not left: 1 without a repeat purchase, as only a purchase makes one leave.

        Fader, Hardie and Lee (2008), Computing P(alive) Using the BG/NBD Model, eq. 7.
        """
        beyond = self.b + np.maximum(x, 1) - 1
        log_odds = np.log(self.a / beyond) + (self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x))
        return np.where(x > 0, special.expit(-log_odds), 1.0)

    def expected_purchases(self, weeks: float, x: Vector, t_x: Vector, age: Vector) -> Vector:
        """Purchases expected in the next ``weeks``: eq. 10 of the 2005 paper, with Gauss' hypergeometric function."""
        series = special.hyp2f1(
            self.r + x, self.b + x, self.a + self.b + x - 1, weeks / (self.alpha + age + weeks)
        )
        shrunk = ((self.alpha + age) / (self.alpha + age + weeks)) ** (self.r + x)
        if_alive = (self.a + self.b + x - 1) / (self.a - 1) * (1 - shrunk * series)
        purchases: Vector = if_alive * self.probability_alive(x, t_x, age)
        return purchases


def fit(x: Vector, t_x: Vector, age: Vector, customers: Vector) -> BgNbd:
    """Maximum likelihood over rows (x, t_x, T), each counted for so many ``customers``.

    Raises ``FitError`` where there are too few customers, or the data do not determine the parameters.
    """
    total, repeat = float(customers.sum()), float(customers[x > 0].sum())
    if total < MIN_CUSTOMERS or repeat < MIN_REPEAT_CUSTOMERS:
        raise FitError(
            f"{total:,.0f} customers, of whom {repeat:,.0f} bought again, are too few: "
            f"it takes {MIN_CUSTOMERS} and {MIN_REPEAT_CUSTOMERS}"
        )
    # The special functions, which cost most, see each number of purchases once.
    counts, place = np.unique(x, return_inverse=True)
    sample = _Sample(counts, place, t_x, age, customers / total)

    def mean(parameters: Vector) -> tuple[float, Vector]:
        return _mean_log_likelihood(parameters, sample)

    names = ("r", "alpha", "a", "b")
    found, value = maximise(
        mean, names, (1.0, max(float(np.average(age, weights=customers)) / 10, 0.1), 1.0, 1.0)
    )
    r, alpha, a, b = (float(parameter) for parameter in found)
    return BgNbd(r, alpha, a, b, round(total), value * total)


@dataclass(frozen=True)
class _Sample:
    """What was observed: of each row the place of its x among the distinct ``counts``, and its weight."""

    counts: Vector
    place: npt.NDArray[np.intp]
    t_x: Vector
    age: Vector
    weight: Vector


def _mean_log_likelihood(parameters: Vector, sample: _Sample) -> tuple[float, Vector]:
    """Eq. 6 of the 2005 paper, its terms kept as logarithms, and its gradient."""
    r, alpha, a, b = parameters
    counts, place, t_x, age = sample.counts, sample.place, sample.t_x, sample.age
    x = counts[place]
    by_count = (
        special.gammaln(r + counts)
        - special.gammaln(r)
        + special.gammaln(a + b)
        + special.gammaln(b + counts)
        - special.gammaln(b)
        - special.gammaln(a + b + counts)
    )
    # The customer is still there at T, or left with the last purchase at t_x.
    log_age, log_t_x = np.log(alpha + age), np.log(alpha + t_x)
    stayed = -(r + x) * log_age
    beyond = b + np.maximum(x, 1) - 1
    left = np.where(x > 0, np.log(a) - np.log(beyond) - (r + x) * log_t_x, -np.inf)
    either = np.logaddexp(stayed, left)
    value = float(np.sum(sample.weight * (by_count[place] + r * np.log(alpha) + either)))

    share_left = np.exp(left - either)
    share_stayed = 1 - share_left
    both = special.digamma(a + b) - special.digamma(a + b + counts)
    slope_r = (special.digamma(r + counts) - special.digamma(r))[place] + np.log(alpha)
    slope_b = (both + special.digamma(b + counts) - special.digamma(b))[place]
    gradient = [
        slope_r - share_stayed * log_age - share_left * log_t_x,
        r / alpha - (r + x) * (share_stayed / (alpha + age) + share_left / (alpha + t_x)),
        both[place] + share_left / a,
        slope_b - share_left / beyond,
    ]
    return value, np.array([np.sum(sample.weight * slope) for slope in gradient])
