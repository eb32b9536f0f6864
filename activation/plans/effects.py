"""What a campaign's holdout could show of it: the minimum detectable effect, told before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from activation.build import EFFECTS
from activation.frozen import connect


@dataclass(frozen=True)
class DetectableEffect:
    """The smallest effect on one metric that is found in four of five cases, see ``rpt_minimum_detectable_effects``.

    ``base`` (what is expected without an effect) and ``smallest`` are shares of people (0 to 1) for ``converted``,
    money a person in the reporting currency for ``net_spend``. ``smallest`` is None where nothing is expected, or of
    all the same; both are where nothing is known of people like these. Not ``is_measurable``: one run's ``people`` are
    too few to tell, and ``smallest`` is what ``people_counted`` of several runs could show.
    """

    campaign: str
    metric: str
    people: int
    people_counted: int
    outcome_days: int
    holdout_share: float
    base: float | None
    smallest: float | None
    is_measurable: bool


def detectable_effects(directory: Path) -> dict[str, list[DetectableEffect]]:
    """Of each campaign with a holdout of its own, by metric; empty where the export has none, as in a micro-batch."""
    file = directory / f"{EFFECTS}.parquet"
    if not file.exists():
        return {}
    with connect(directory) as engine:
        rows = engine.execute(
            """
            select
                campaign, metric, people, people_counted, outcome_days, holdout_share, base, minimum_detectable_effect,
                is_measurable
            from read_parquet($file) order by campaign, metric
            """,
            {"file": str(file)},
        ).fetchall()
    found: dict[str, list[DetectableEffect]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(DetectableEffect(*row))
    return found


def effect_lines(effects: Sequence[DetectableEffect]) -> list[str]:
    """The effects of one campaign for people; no line without a holdout."""
    if not effects:
        return []
    first = effects[0]
    told = " and ".join(_told(effect) for effect in effects if effect.smallest is not None)
    if not told:
        known = (
            "nothing is known of people" if first.base is None else "no differences are known among people"
        )
        return [f"cannot tell what it could change: {known} who had been quiet for as long"]
    shown = f"could show a change {told}, in {first.outcome_days} days"
    held_out = f"with {first.holdout_share:.0%} of {first.people:,} people left alone"
    if first.is_measurable:
        return [f"{shown}, {held_out}"]
    return [
        f"cannot tell from one run what it changes, {held_out}",
        f"{first.people_counted:,} people of several runs {shown}",
    ]


def _told(effect: DetectableEffect) -> str:
    if effect.metric == "converted":
        return (
            f"of {100 * (effect.smallest or 0):.1f} points in who buys (of such people {effect.base:.1%} do)"
        )
    return f"of {effect.smallest:,.2f} in what a person spends (expected {effect.base:,.2f})"
