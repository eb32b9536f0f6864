"""Each formula in closed form against scipy, or against its definition."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from model_sql import expression, rendered
from scipy import optimize, stats

Z_95 = float(stats.norm.ppf(0.975))


def value(macro: str, **columns: float) -> float:
    """What a macro's expression comes to over one row of these columns."""
    given = ", ".join(f"cast({float(number)!r} as double) as {name}" for name, number in columns.items())
    found = duckdb.execute(f"select {expression(macro)} from (select {given})").fetchone()
    assert found is not None
    return float(found[0])


@pytest.mark.parametrize("degrees", [5, 8, 20, 57.3, 1000, 1e6])
def test_the_quantile_of_t_is_that_of_scipy(degrees: float) -> None:
    found = value(f"student_t_quantile({Z_95!r}, 'degrees')", degrees=degrees)
    assert found == pytest.approx(stats.t.ppf(0.975, degrees), abs=0.002)


def test_sums_give_the_variance_and_covariance_of_a_sample() -> None:
    dice = np.random.default_rng(1)
    y, x = dice.lognormal(size=500), dice.lognormal(size=500)
    sums = {"n": 500.0, "y": y.sum(), "yy": (y * y).sum(), "x": x.sum(), "xy": (x * y).sum()}
    assert value("sample_variance('n', 'y', 'yy')", **sums) == pytest.approx(y.var(ddof=1))
    assert value("sample_covariance('n', 'y', 'x', 'xy')", **sums) == pytest.approx(np.cov(y, x)[0, 1])


def test_the_interval_of_two_means_is_that_of_welch() -> None:
    dice = np.random.default_rng(2)
    first, second = dice.gamma(2, size=40), dice.gamma(3, size=12)
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    variances = {"v": first.var(ddof=1) / 40, "w": second.var(ddof=1) / 12}
    degrees = value("welch_degrees('v', '40', 'w', '12')", **variances)
    width = value(f"student_t_quantile({Z_95!r}, 'd')", d=degrees) * np.sqrt(sum(variances.values()))
    difference = first.mean() - second.mean()
    assert (difference - width, difference + width) == pytest.approx(tuple(interval), abs=0.002)


@pytest.mark.parametrize(("bought", "people"), [(0, 20), (7, 20), (20, 20), (315, 4000)])
def test_the_bounds_of_a_share_are_those_of_wilson(bought: int, people: int) -> None:
    interval = stats.binomtest(bought, people).proportion_ci(0.95, "wilson")
    sides = [value(f"score_bound('x', 'n', {Z_95!r}, {side})", x=bought, n=people) for side in (-1, 1)]
    assert sides == pytest.approx([interval.low, interval.high], abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "published"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ],
)
def test_the_interval_of_two_shares_is_as_published(
    counts: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    """Newcombe 1998, table II, method 10."""
    x, n, y, m = counts
    sides = [
        value(f"newcombe_bound('x', 'n', 'y', 'm', {Z_95!r}, {side})", x=x, n=n, y=y, m=m) for side in (-1, 1)
    ]
    assert sides == pytest.approx(published, abs=0.0001)


def test_the_sequential_interval_ends_where_the_mixture_says_one_in_twenty() -> None:
    variance, mixing = 0.3, 0.7

    def likelihood_ratio(effect: float) -> float:
        """Of the mixture of effects against none."""
        mixed = stats.norm.pdf(effect, scale=np.sqrt(variance + mixing))
        return float(mixed / stats.norm.pdf(effect, scale=np.sqrt(variance)))

    ends = optimize.brentq(lambda effect: likelihood_ratio(effect) - 20, 0.1, 5)
    found = value("sequential_half_width('v', 't', 0.05)", v=variance, t=mixing)
    assert found == pytest.approx(ends, rel=1e-9)


def test_the_limits_of_the_report_are_the_quantiles_they_say() -> None:
    sql = rendered("rpt_lift")
    for number in (stats.chi2.ppf(0.999, 1), Z_95 + stats.norm.ppf(0.8)):
        assert f"{number:.6f}"[:7] in sql


def differences(**arms: dict[str, Any]) -> dict[str, Any]:
    """What the model of differences makes of the sums of people (outcome, before) of two arms."""
    engine = duckdb.connect()
    rows = []
    for arm, people in arms.items():
        y, x = np.array(people["outcome"]), np.array(people["before"])
        rows.append(
            {"kind": "campaign", "experiment": "e", "metric": "net_spend", "arm": arm, "people_assigned": len(y),
             "people": len(y), "buyers": int((y > 0).sum()), "holdouts_designed": 1.0,
             "holdouts_designed_variance": 0.5,
             "outcome_sum": y.sum(), "outcome_squares": (y * y).sum(), "before_sum": x.sum(),
             "before_squares": (x * x).sum(), "products_sum": (x * y).sum()}
        )  # fmt: skip
    engine.register("fct_lift_statistics", pa.Table.from_pylist(rows))
    found = engine.execute(rendered("fct_lift_differences")).to_arrow_table().to_pylist()
    assert len(found) == 1
    return dict(found[0])


def test_the_adjusted_difference_is_that_of_residuals_on_what_was_before() -> None:
    dice = np.random.default_rng(3)
    before = dice.gamma(2, size=300)
    outcome = 0.7 * before + dice.gamma(1, size=300)
    held = np.arange(300) < 80
    found = differences(
        treated={"outcome": outcome[~held], "before": before[~held]},
        holdout={"outcome": outcome[held], "before": before[held]},
    )
    centred = np.concatenate([group - group.mean() for group in (before[~held], before[held])])
    slope = centred @ np.concatenate([outcome[~held], outcome[held]]) / (centred @ centred)
    residuals = outcome - slope * before
    expected = stats.ttest_ind(residuals[~held], residuals[held], equal_var=False)
    assert found["adjusted_difference"] == pytest.approx(residuals[~held].mean() - residuals[held].mean())
    assert found["adjusted_difference"] / np.sqrt(found["adjusted_variance"]) == pytest.approx(
        expected.statistic
    )
    assert found["adjusted_degrees"] == pytest.approx(expected.df)
