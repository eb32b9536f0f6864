"""Audiences that are not what anybody meant are held; weekdays, holidays and slow growth are not."""

from __future__ import annotations

import pytest
import yaml
from conftest import guarded
from histories import AS_OF, MUTATED, UNSAFE, Fate, History, history

from activation.settings import PROJECT

REPORT = PROJECT / "models" / "reports" / "measurement" / "_anomalies__models.yml"


def test_more_than_200_mutated_histories_are_judged(histories: list[History]) -> None:
    assert sum(each.fate is not Fate.UNTOUCHED for each in histories) >= 200


@pytest.mark.parametrize("fate", sorted(UNSAFE))
def test_every_unsafe_history_is_held(histories: list[History], held: set[str], fate: Fate) -> None:
    befallen = {each.campaign for each in histories if each.fate is fate}
    assert befallen
    assert befallen - held == set()


@pytest.mark.parametrize(
    "fates", [frozenset(MUTATED) - UNSAFE, frozenset({Fate.UNTOUCHED})], ids=["mutated", "untouched"]
)
def test_at_most_2_of_100_safe_histories_are_held(
    histories: list[History], held: set[str], fates: frozenset[Fate]
) -> None:
    safe = {each.campaign for each in histories if each.fate in fates}
    assert safe
    assert len(safe & held) <= 0.02 * len(safe)


def test_doubling_would_pass_by_what_the_campaign_states_alone(histories: list[History]) -> None:
    doubled = [each for each in histories if each.fate is Fate.DOUBLING]
    found = guarded(doubled).execute(
        "select count(*) filter (where not is_tripped) from guard_sizes where guard = 'size_grew'"
    )
    assert found.fetchone() != (0,)


def test_an_unusual_size_is_explained_with_its_range() -> None:
    collapsed = history(1, Fate.COLLAPSE)
    engine = guarded([collapsed])
    found = engine.execute("select explanation from guard_anomalies where is_tripped").fetchone()
    assert found is not None
    assert f"are {collapsed.today} where" in found[0]
    assert "the median of the last 8 days of the same weekday" in found[0]


def test_too_short_a_history_is_left_to_what_the_campaign_states() -> None:
    whole = history(2, Fate.DOUBLING)
    recent = {day: size for day, size in whole.before.items() if (AS_OF.date() - day).days <= 28}
    engine = guarded([History("short", whole.fate, recent, whole.today)])
    assert engine.execute("select count(*) from guard_anomalies").fetchone() == (0,)
    assert engine.execute("select count(*) from guard_sizes where measured is not null").fetchone() != (0,)


def test_what_is_expected_keeps_the_rules_of_its_report_also_without_a_lower_limit(
    histories: list[History],
) -> None:
    engine = guarded(histories[:40])
    one_sided = "select count(*) from decision_expectations where highest is not null and lowest is null"
    assert engine.execute(one_sided).fetchone() != (0,)
    (model,) = [
        each for each in yaml.safe_load(REPORT.read_text())["models"] if each["name"] == "rpt_anomalies"
    ]
    (rules,) = [
        each["rows_hold"]["arguments"]["rules"] for each in model["data_tests"] if "rows_hold" in each
    ]
    for name, rule in rules.items():
        broken = f"select count(*) from decision_expectations where not coalesce({rule}, false)"
        assert (name, engine.execute(broken).fetchone()) == (name, (0,))
