"""The waterfall: how each campaign came from its candidates to what leaves, rule by rule in their fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from activation.frozen import connect
from activation.reasons import RULES, load_reasons, reason_of

_SEND = "send"


@dataclass(frozen=True)
class Step:
    """So many candidates of a campaign came to this verdict for this first reason.

    ``failing`` counts the candidates that fail for this reason at all, first or not, whatever their verdict. A
    reason that is nobody's first has a step of 0 people, and the verdict ``exclude``.
    """

    rule: int
    verdict: str
    reason: str
    people: int
    failing: int

    @property
    def label(self) -> str:
        """The step as people read it."""
        return f"{self.verdict}: {self.reason.replace('_', ' ')}"


@dataclass(frozen=True)
class Waterfall:
    """One campaign of one run. ``adds`` and ``removes`` are the changes of a set; None for messages.

    A person who is a candidate for several steps or sets of a campaign counts for each.
    """

    campaign: str
    slot: str
    candidates: int
    steps: tuple[Step, ...]
    to_send: int
    adds: int | None
    removes: int | None


def waterfalls(directory: Path) -> list[Waterfall]:
    """One waterfall per campaign of an exported or frozen run, in order of priority."""
    with connect(directory) as engine:
        engine.execute("set variable decisions = ?", [str(directory / "decisions.parquet")])
        firsts = engine.execute(
            "select campaign, verdict, coalesce(reason, ''), count(*), min(priority), max(slot) "
            "from read_parquet(getvariable('decisions')) group by all"
        ).fetchall()
        failing = engine.execute(
            "select campaign, reason, count(*) from (select campaign, unnest(string_split(reasons, ',')) as reason "
            "from read_parquet(getvariable('decisions')) where reasons is not null) group by all"
        ).fetchall()
        changes = engine.execute(
            "select campaign, count(*) filter (operation = 'add'), count(*) filter (operation = 'remove') "
            "from read_parquet(?) group by all",
            [str(directory / "outbox_memberships.parquet")],
        ).fetchall()
    changed = {campaign: (adds, removes) for campaign, adds, removes in changes}
    order = sorted({(priority, campaign) for campaign, *_, priority, _slot in firsts})
    found: dict[str, Waterfall] = {}
    for _, campaign in order:
        if campaign in found:
            continue
        rows = [row for row in firsts if row[0] == campaign]
        adds, removes = changed.get(campaign, (None, None))
        found[campaign] = Waterfall(
            campaign=campaign,
            slot=max(row[5] for row in rows),
            candidates=sum(row[3] for row in rows),
            steps=_steps(
                {(row[1], row[2]): row[3] for row in rows if row[1] != _SEND},
                {reason: count for name, reason, count in failing if name == campaign},
            ),
            to_send=sum(row[3] for row in rows if row[1] == _SEND),
            adds=adds,
            removes=removes,
        )
    return list(found.values())


def _steps(firsts: dict[tuple[str, str], int], failing: dict[str, int]) -> tuple[Step, ...]:
    known = load_reasons()
    told = {reason for _, reason in firsts}
    counted = firsts | {("exclude", reason): 0 for reason in failing if reason not in told}
    steps = [
        Step(reason_of(reason, known).rule, verdict, reason, people, failing.get(reason, 0))
        for (verdict, reason), people in counted.items()
    ]
    return tuple(sorted(steps, key=lambda step: (step.rule, -step.people, step.verdict, step.reason)))


def as_text(waterfall: Waterfall) -> str:
    """A waterfall for a terminal. The last column: how many fail for this reason at all."""
    rows = [("candidates", f"{waterfall.candidates:,}", "all")]
    rows += [
        (
            f"{step.rule:>2} {RULES.get(step.rule, ''):<14}{step.label}",
            f"{-step.people:,}",
            f"{step.failing:,}",
        )
        for step in waterfall.steps
    ]
    rows.append((_sum_label(waterfall), f"{waterfall.to_send:,}", ""))
    if waterfall.adds is not None:
        rows += [("to add", f"{waterfall.adds:,}", ""), ("to remove", f"{waterfall.removes:,}", "")]
    width = max(len(label) for label, *_ in rows) + 2
    lines = [f"  {label:<{width}}{people:>8}{failing:>8}".rstrip() for label, people, failing in rows]
    return "\n".join([f"{waterfall.campaign}  ({waterfall.slot})", *lines])


def as_markdown(waterfall: Waterfall) -> str:
    """A waterfall as a Markdown table under its heading."""
    rows = [("", "candidates", f"{waterfall.candidates:,}", "")]
    rows += [
        (f"{step.rule} {RULES.get(step.rule, '')}", step.label, f"{-step.people:,}", f"{step.failing:,}")
        for step in waterfall.steps
    ]
    rows.append(("", f"**{_sum_label(waterfall)}**", f"{waterfall.to_send:,}", ""))
    if waterfall.adds is not None:
        rows += [("", "to add", f"{waterfall.adds:,}", ""), ("", "to remove", f"{waterfall.removes:,}", "")]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    head = "| rule | step | people | failing at all |\n|---|---|---:|---:|"
    return f"### {waterfall.campaign} ({waterfall.slot})\n\n{head}\n{table}\n"


def _sum_label(waterfall: Waterfall) -> str:
    return "to send" if waterfall.adds is None else "wanted in the audience"
