"""What the report says of lift, in 2,000 worlds where the truth is known."""

from __future__ import annotations

import pytest
from lift_worlds import LOOKS
from simulation import METRICS, Simulation

pytestmark = pytest.mark.xdist_group("lift")
AT_THE_END = f"look = {LOOKS}"


def outside(low: str, high: str) -> str:
    return f"true_lift < {low} or true_lift > {high}"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("interval", ["difference", "adjusted"])
def test_95_percent_intervals_hold_the_truth_in_95_of_100_worlds(
    simulation: Simulation, metric: str, interval: str
) -> None:
    missed = simulation.rate(outside(f"{interval}_low", f"{interval}_high"), metric, AT_THE_END)
    assert missed.of == len(simulation.worlds)
    assert 0.935 <= 1 - missed.share <= 0.965


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("estimate", ["difference", "adjusted_difference"])
def test_an_estimate_is_right_on_average(simulation: Simulation, metric: str, estimate: str) -> None:
    assert abs(simulation.bias_in_errors(estimate, metric)) <= 2


@pytest.mark.parametrize("metric", METRICS)
def test_adjusting_by_what_was_before_narrows_the_interval(simulation: Simulation, metric: str) -> None:
    narrower = simulation.rate(
        "adjusted_high - adjusted_low < difference_high - difference_low", metric, AT_THE_END
    )
    assert narrower.share > 0.9


@pytest.mark.parametrize("metric", METRICS)
def test_who_looks_at_every_step_is_misled_in_5_of_100_worlds_at_most(
    simulation: Simulation, metric: str
) -> None:
    ever_missed = simulation.rate(outside("always_valid_low", "always_valid_high"), metric)
    assert ever_missed.of == len(simulation.worlds)
    assert ever_missed.share <= 0.05 + ever_missed.slack(0.05)


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_looks_at_a_95_percent_interval_would_mislead(simulation: Simulation, metric: str) -> None:
    assert simulation.rate(outside("difference_low", "difference_high"), metric).share > 0.15


@pytest.mark.parametrize("metric", METRICS)
def test_a_campaign_without_effect_is_rarely_said_to_have_one(simulation: Simulation, metric: str) -> None:
    said = simulation.rate("verdict in ('lifts', 'harms')", metric, "true_lift = 0")
    assert said.of == len(simulation.worlds) // 4
    assert said.share <= 0.05 + said.slack(0.05)


@pytest.mark.parametrize("metric", METRICS)
def test_effects_are_found_and_seldom_with_the_wrong_sign(simulation: Simulation, metric: str) -> None:
    found = simulation.rate("verdict in ('lifts', 'harms')", metric, f"{AT_THE_END} and true_lift <> 0")
    wrong = simulation.rate("verdict = 'harms'", metric, "true_lift > 0")
    assert found.share > 0.25
    assert wrong.share <= 0.025


def test_drawn_shares_are_not_taken_for_a_mismatch(simulation: Simulation) -> None:
    mismatched = simulation.rate("is_sample_ratio_mismatched", "converted", AT_THE_END)
    assert mismatched.share <= 0.001 + mismatched.slack(0.001)


def test_a_planted_mismatch_is_found_in_every_world(simulation: Simulation) -> None:
    simulation.drop_from_holdout()
    found = simulation.engine.execute(
        "select count(*), count(*) filter (where is_sample_ratio_mismatched and verdict = 'cannot tell') "
        "from mismatched where metric = 'converted'"
    ).fetchone()
    assert found == (len(simulation.worlds), len(simulation.worlds))


def test_no_number_is_given_without_its_interval(simulation: Simulation) -> None:
    bare = simulation.engine.execute(
        "select count(*) from lift "
        "where (difference_low is null or always_valid_low is null or adjusted_low is null) and coalesce("
        "difference, adjusted_difference, treated_mean, holdout_mean, minimum_detectable_effect) is not null"
    ).fetchone()
    too_small = simulation.engine.execute(
        "select count(*), count(*) filter (where verdict = 'cannot tell' and explanation is not null) "
        "from lift where difference is null"
    ).fetchone()
    assert bare == (0,)
    assert too_small is not None
    assert too_small[0] > 1000
    assert too_small[0] == too_small[1]
