"""A plan as a whole: for each campaign its waterfall, what changed, what holds it, what it looks like and takes.

One value, three forms: text for a terminal, plain data for machines, Markdown for a pull request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from activation.content import load_templates
from activation.guard import Ruling, Verdict
from activation.home import Home
from activation.plans.difference import Difference, difference_lines, differences
from activation.plans.effects import DetectableEffect, detectable_effects, effect_lines
from activation.plans.estimate import Estimate, estimate_line, estimates
from activation.plans.preview import Preview, preview_lines, previews
from activation.plans.spot_check import Drawn, spot_check, spot_check_lines
from activation.request import RunRequest
from activation.waterfall import Waterfall, as_markdown, as_text, waterfalls

PREVIEWED = 2
_WORDS = {Verdict.GO: "may go", Verdict.HOLD: "HELD", Verdict.APPROVE: "WAITS FOR APPROVAL"}


@dataclass(frozen=True)
class CampaignPlan:
    """One campaign of a plan. No ``waterfall``: nobody was a candidate. No ``difference``: no earlier run."""

    campaign: str
    ruling: Ruling
    waterfall: Waterfall | None
    difference: Difference | None
    estimates: Sequence[Estimate]
    effects: Sequence[DetectableEffect]
    previews: Sequence[Preview]
    drawn: Sequence[Drawn]


@dataclass(frozen=True)
class Plan:
    """What would leave if this run went out now."""

    run_id: str
    as_of: datetime
    campaigns: Sequence[CampaignPlan]


def plan_of(
    home: Home,
    request: RunRequest,
    directory: Path,
    rulings: Mapping[str, Ruling],
    *,
    sample: int = 0,
    looks_ahead: bool = True,
) -> Plan:
    """Read an exported or frozen run. ``sample`` people are drawn for each verdict and first reason.

    Without ``looks_ahead`` only what was decided is told: no estimate, no effect, and no preview. With it, raises
    ``ConfigurationError`` where a channel has no cost, or a destination no connector.
    """
    found = {waterfall.campaign: waterfall for waterfall in waterfalls(directory)}
    changes = differences(home, request, directory)
    costs = estimates(directory) if looks_ahead else {}
    effects = detectable_effects(directory) if looks_ahead else {}
    shown = previews(directory, load_templates(), request.run_id, PREVIEWED) if looks_ahead else {}
    drawn = spot_check(directory, request.run_id, sample) if sample else {}
    order = [*found, *(name for name in request.campaigns if name not in found)]
    return Plan(
        request.run_id,
        request.as_of,
        [
            CampaignPlan(
                campaign=name,
                ruling=rulings[name],
                waterfall=found.get(name),
                difference=changes.get(name),
                estimates=costs.get(name, []),
                effects=effects.get(name, []),
                previews=shown.get(name, []),
                drawn=drawn.get(name, []),
            )
            for name in order
        ],
    )


def plan_text(plan: Plan) -> str:
    """The plan for a terminal."""
    return "\n\n".join(_campaign_text(each) for each in plan.campaigns)


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan for machines."""
    return {
        "run_id": plan.run_id,
        "as_of": plan.as_of.isoformat(),
        "campaigns": [asdict(each) for each in plan.campaigns],
    }


def plan_markdown(plan: Plan) -> str:
    """The plan for a pull request: the counts in the open, the rest folded away."""
    head = f"## Plan {plan.run_id}, as of {plan.as_of:%Y-%m-%d %H:%M} UTC\n"
    rows = "\n".join(
        f"| {each.campaign} | {_WORDS[each.ruling.verdict]} | {each.ruling.planned:,} "
        f"| {_moved(each)} | {'; '.join([*each.ruling.reasons, *each.ruling.held_removals])} |"
        for each in plan.campaigns
    )
    table = f"| campaign | verdict | planned | in / out | why |\n|---|---|---:|---:|---|\n{rows}\n"
    return "\n".join([head, table, *(_campaign_markdown(each) for each in plan.campaigns)])


def ruling_line(ruling: Ruling) -> str:
    """What a campaign may do; empty where it simply may go."""
    held = [f"  REMOVALS HELD: {why}" for why in ruling.held_removals]
    if ruling.verdict is Verdict.GO:
        return "\n".join([*([f"  {'; '.join(ruling.reasons)}"] if ruling.reasons else []), *held])
    return "\n".join([*(f"  {_WORDS[ruling.verdict]}: {reason}" for reason in ruling.reasons), *held])


def _moved(each: CampaignPlan) -> str:
    if each.difference is None:
        return "first run"
    moves = each.difference.moves
    return f"{sum(m.people for m in moves.entered):,} / {sum(m.people for m in moves.left):,}"


def _ahead(each: CampaignPlan) -> list[str]:
    return [
        *(f"takes {estimate_line(estimate)}" for estimate in each.estimates),
        *effect_lines(each.effects),
    ]


def _details(each: CampaignPlan) -> list[tuple[str, list[str]]]:
    details = [
        (f"looks like, {number} of {len(each.previews)}", preview_lines(shown))
        for number, shown in enumerate(each.previews, start=1)
    ]
    if each.drawn:
        details.append(("spot check", spot_check_lines(list(each.drawn))))
    return details


def _campaign_text(each: CampaignPlan) -> str:
    lines = [as_text(each.waterfall) if each.waterfall else f"{each.campaign}\n  no candidate"]
    lines += [f"  {line}" for line in _ahead(each)]
    if each.difference is not None:
        lines += [f"  {line}" for line in difference_lines(each.difference)]
    for title, text in _details(each):
        lines += [f"  {title}", *(f"    {line}" for line in text)]
    return "\n".join(filter(None, [*lines, ruling_line(each.ruling)]))


def _campaign_markdown(each: CampaignPlan) -> str:
    parts = [as_markdown(each.waterfall) if each.waterfall else f"### {each.campaign}\n\nNo candidate.\n"]
    facts = _ahead(each)
    facts += [f"{_WORDS[each.ruling.verdict]}: {why}" for why in each.ruling.reasons]
    facts += [f"REMOVALS HELD: {why}" for why in each.ruling.held_removals]
    parts.append("".join(f"- {fact}\n" for fact in facts))
    details = _details(each)
    if each.difference is not None:
        details.insert(0, ("what changed", difference_lines(each.difference)))
    for title, text in details:
        # Indented, so that nothing in a message can end the block.
        block = "\n".join(f"    {line}" for line in text)
        parts.append(f"<details><summary>{title}</summary>\n\n{block}\n\n</details>\n")
    return "\n".join(filter(None, parts))
