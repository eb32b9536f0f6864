"""Finding the parameters that make the observed customers most likely; all of them are positive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize

Vector = npt.NDArray[np.float64]

# What a fit may end at. Beyond these bounds a model has turned into one of its limits (nobody ever leaves, all
# customers are alike), which data cannot tell apart from an even larger parameter.
SMALLEST, LARGEST = 1e-6, 1e6
# The slope per customer, by the logarithm of a parameter, up to which a summit counts as reached.
FLAT = 1e-5
SIGNIFICANT_DIGITS = 9


class FitError(Exception):
    """The data do not determine the parameters; the message says why, in words for people."""


def maximise(
    mean_log_likelihood: Callable[[Vector], tuple[float, Vector]],
    names: Sequence[str],
    start: Sequence[float],
) -> tuple[Vector, float]:
    """The parameters with the greatest likelihood, and its logarithm as a mean per customer.

    ``mean_log_likelihood`` takes positive parameters and gives the value and its gradient. The search is L-BFGS-B
    on their logarithms, from one start and without chance, so that the same data give the same parameters.
    Raises ``FitError`` where it ends away from a summit, or at a bound.
    """

    def negative(logarithms: Vector) -> tuple[float, Vector]:
        parameters = np.exp(logarithms)
        value, gradient = mean_log_likelihood(parameters)
        return -value, -gradient * parameters

    bounds = [(math.log(SMALLEST), math.log(LARGEST))] * len(start)
    found = optimize.minimize(
        negative,
        np.log(np.asarray(start, dtype=np.float64)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 1000, "ftol": 1e-15, "gtol": FLAT / 1000},
    )
    # The routine's own word is not asked: at the last digits its line search gives up on a summit just as well.
    value, slope = negative(found.x)
    if not math.isfinite(value) or not np.all(np.isfinite(found.x)):
        raise FitError("the likelihood cannot be computed from these data")
    margin = 1e-3
    for name, logarithm, (low, high) in zip(names, found.x, bounds, strict=True):
        if not low + margin < logarithm < high - margin:
            raise FitError(f"the data do not determine {name}: it ran to {math.exp(logarithm):.0e}")
    if float(np.max(np.abs(slope))) > FLAT:
        raise FitError("the search for the parameters did not come to an end")
    return np.exp(found.x), -value


def significant(value: float) -> float:
    """Cut to the digits that are stored: the rest is noise of the search."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
