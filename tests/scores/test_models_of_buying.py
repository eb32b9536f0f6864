"""BG/NBD and Gamma-Gamma give the figures of the papers, and no figures where data do not carry them."""

from __future__ import annotations

import numpy as np
import pytest
from cdnow import published_summary
from scipy.optimize import check_grad

from activation.scores import bgnbd, gamma_gamma
from activation.scores.bgnbd import BgNbd
from activation.scores.gamma_gamma import GammaGamma
from activation.scores.likelihood import FitError, Vector, significant

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, customers=2357, log_likelihood=-9582.4)
WITHIN = 0.005


def vector(*values: float) -> Vector:
    return np.array(values, dtype=np.float64)


def ones(like: Vector) -> Vector:
    return np.ones_like(like)


@pytest.fixture(scope="module")
def cdnow_fit() -> BgNbd:
    summary = published_summary()
    return bgnbd.fit(summary.x, summary.t_x, summary.age, ones(summary.x))


def test_bg_nbd_of_cdnow_has_the_published_parameters(cdnow_fit: BgNbd) -> None:
    for name in ("r", "alpha", "a", "b", "log_likelihood"):
        assert getattr(cdnow_fit, name) == pytest.approx(getattr(PUBLISHED, name), rel=WITHIN), name
    assert cdnow_fit.customers == 2357


def test_gamma_gamma_of_cdnow_has_the_published_parameters() -> None:
    summary = published_summary()
    again = summary.x > 0
    fit = gamma_gamma.fit(summary.x[again], summary.mean_value[again], ones(summary.x[again]))
    assert (fit.p, fit.q, fit.v) == pytest.approx((6.25, 3.74, 15.44), rel=WITHIN)
    assert fit.customers == 946


def test_a_customer_of_the_paper_is_expected_to_buy_1_226_times(cdnow_fit: BgNbd) -> None:
    history = (vector(2), vector(30.43), vector(38.86))
    assert cdnow_fit.expected_purchases(39, *history) == pytest.approx([1.226], abs=0.0005)
    assert PUBLISHED.probability_alive(*history) == pytest.approx([0.7266], abs=0.0005)


def test_without_a_repeat_purchase_a_customer_is_alive() -> None:
    assert PUBLISHED.probability_alive(vector(0, 0), vector(0, 0), vector(0, 1000)).tolist() == [1, 1]


def test_a_regular_customer_who_stopped_long_ago_is_gone_without_an_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert PUBLISHED.probability_alive(vector(300), vector(43), vector(5000))[0] < 1e-100


def test_expected_spend_lies_between_the_customer_and_everybody() -> None:
    model = GammaGamma(p=6.25, q=3.74, v=15.44, customers=946, log_likelihood=0)
    everybody = 6.25 * 15.44 / 2.74
    spend = model.expected_spend(vector(0, 1, 1000), vector(0, 100, 100))
    assert spend[0] == pytest.approx(everybody)
    assert everybody < spend[1] < spend[2] < 100
    assert np.isnan(GammaGamma(1, 0.9, 1, 100, 0).expected_spend(vector(0), vector(0)))[0]


def test_rows_that_are_counted_twice_weigh_as_two(cdnow_fit: BgNbd) -> None:
    summary = published_summary()
    rows = np.stack([summary.x, summary.t_x, summary.age], axis=1)
    distinct, customers = np.unique(rows, axis=0, return_counts=True)
    x, t_x, age = distinct.T
    assert len(x) < len(rows)
    counted = bgnbd.fit(x, t_x, age, customers.astype(np.float64))
    assert counted.alpha == pytest.approx(cdnow_fit.alpha, rel=1e-6)
    assert counted.customers == cdnow_fit.customers


def test_the_same_data_give_the_same_digits(cdnow_fit: BgNbd) -> None:
    summary = published_summary()
    assert bgnbd.fit(summary.x, summary.t_x, summary.age, ones(summary.x)) == cdnow_fit
    assert significant(cdnow_fit.r) == float(f"{cdnow_fit.r:.9g}")


def test_the_gradients_are_those_of_the_likelihoods() -> None:
    summary = published_summary()
    rows = slice(0, 400)
    x, t_x, age, value = summary.x[rows], summary.t_x[rows], summary.age[rows], summary.mean_value[rows]
    counts, place = np.unique(x, return_inverse=True)
    sample = bgnbd._Sample(counts, place, t_x, age, ones(x) / len(x))
    for parameters in (vector(0.3, 5, 0.7, 2), vector(2, 0.5, 3, 0.4)):
        error = check_grad(
            lambda at: bgnbd._mean_log_likelihood(at, sample)[0],
            lambda at: bgnbd._mean_log_likelihood(at, sample)[1],
            parameters,
        )
        assert error < 1e-6
    again = x > 0
    counts, place = np.unique(x[again], return_inverse=True)
    weight = ones(value[again]) / again.sum()
    for parameters in (vector(6, 4, 15), vector(0.5, 1.5, 200)):
        error = check_grad(
            lambda at: gamma_gamma._mean_log_likelihood(at, counts, place, value[again], weight)[0],
            lambda at: gamma_gamma._mean_log_likelihood(at, counts, place, value[again], weight)[1],
            parameters,
        )
        assert error < 1e-6


@pytest.mark.parametrize(
    ("customers", "repeating", "is_enough"),
    [(100, 50, True), (99, 50, False), (100, 49, False), (0, 0, False)],
)
def test_too_few_customers_give_no_parameters(customers: int, repeating: int, *, is_enough: bool) -> None:
    summary = published_summary()
    again, once = np.flatnonzero(summary.x > 0)[:repeating], np.flatnonzero(summary.x == 0)
    chosen = np.concatenate([again, once[: customers - repeating]])
    arguments = (summary.x[chosen], summary.t_x[chosen], summary.age[chosen], ones(summary.x[chosen]))
    if is_enough:
        assert bgnbd.fit(*arguments).customers == customers
    else:
        with pytest.raises(FitError, match="too few: it takes 100 and 50"):
            bgnbd.fit(*arguments)


def test_too_few_repeat_customers_give_no_spend() -> None:
    summary = published_summary()
    again = np.flatnonzero(summary.x > 0)
    for count, enough in ((50, True), (49, False)):
        rows = again[:count]
        arguments = (summary.x[rows], summary.mean_value[rows], ones(summary.x[rows]))
        if enough:
            assert gamma_gamma.fit(*arguments).customers == count
        else:
            with pytest.raises(FitError, match="too few"):
                gamma_gamma.fit(*arguments)


def test_data_that_do_not_determine_a_parameter_give_none() -> None:
    """Everybody buys on the same days, and bought on the last one: nobody leaves, and all are alike."""
    x, weeks = np.full(500, 10.0), np.full(500, 10.0)
    with pytest.raises(FitError, match="do not determine"):
        bgnbd.fit(x, weeks, weeks, ones(x))
    with pytest.raises(FitError, match="do not determine"):
        gamma_gamma.fit(x, np.full(500, 9.99), ones(x))
