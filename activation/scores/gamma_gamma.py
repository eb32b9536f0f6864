"""Gamma-Gamma: what a customer's purchase is worth on average.

Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value (technical note). Purchases of a customer vary
as a gamma(p, nu) around a mean of their own, and nu differs between customers as a gamma(q, v). Of a customer it
needs two numbers: x repeat purchases and their mean value. How much is spent must not depend on how often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from activation.scores.likelihood import FitError, Vector, maximise

MIN_REPEAT_CUSTOMERS = 50


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters, in the currency of the values; ``log_likelihood`` is the sum over ``customers``."""

    p: float
    q: float
    v: float
    customers: int
    log_likelihood: float

    def expected_spend(self, x: Vector, mean_value: Vector) -> Vector:
        """The mean value that a customer's purchases tend to: between the customer's own and everybody's.

        NaN where the model has no mean (p x + q up to 1).
        """
        weight = self.p * x + self.q - 1
        spend: Vector = self.p * (self.v + x * mean_value) / np.where(weight > 0, weight, np.nan)
        return spend


def fit(x: Vector, mean_value: Vector, customers: Vector) -> GammaGamma:
    """Maximum likelihood over rows (x, mean value), each counted for so many ``customers``; all above zero.

    Raises ``FitError`` where there are too few customers, or the data do not determine the parameters.
    """
    total = float(customers.sum())
    if total < MIN_REPEAT_CUSTOMERS:
        raise FitError(
            f"{total:,.0f} customers who bought again for more than nothing are too few: "
            f"it takes {MIN_REPEAT_CUSTOMERS}"
        )
    counts, place = np.unique(x, return_inverse=True)
    weight = customers / total

    def mean(parameters: Vector) -> tuple[float, Vector]:
        return _mean_log_likelihood(parameters, counts, place, mean_value, weight)

    found, value = maximise(
        mean, ("p", "q", "v"), (2.0, 2.0, float(np.average(mean_value, weights=customers)))
    )
    p, q, v = (float(parameter) for parameter in found)
    return GammaGamma(p, q, v, round(total), value * total)


def _mean_log_likelihood(
    parameters: Vector, counts: Vector, place: npt.NDArray[np.intp], mean_value: Vector, weight: Vector
) -> tuple[float, Vector]:
    """Eq. 1a of the note as a logarithm, and its gradient."""
    p, q, v = parameters
    x = counts[place]
    by_count = (
        special.gammaln(p * counts + q)
        - special.gammaln(p * counts)
        - special.gammaln(q)
        + q * np.log(v)
        + p * counts * np.log(counts)
    )
    log_value, log_sum = np.log(mean_value), np.log(x * mean_value + v)
    value = float(np.sum(weight * (by_count[place] + (p * x - 1) * log_value - (p * x + q) * log_sum)))
    digamma = special.digamma(p * counts + q)
    slope_p = counts * (digamma - special.digamma(p * counts) + np.log(counts))
    gradient = [
        slope_p[place] + x * (log_value - log_sum),
        (digamma - special.digamma(q) + np.log(v))[place] - log_sum,
        q / v - (p * x + q) / (x * mean_value + v),
    ]
    return value, np.array([np.sum(weight * slope) for slope in gradient])
