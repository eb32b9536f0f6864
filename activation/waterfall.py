"""The waterfall: how each campaign came from its candidates to what leaves, and what changed since the run before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from activation.frozen import connect

_ORDER = {"exclude": 0, "holdout": 1, "defer": 2, "send": 3}


@dataclass(frozen=True)
class Step:
    """So many people of a campaign came to this verdict for this first reason."""

    verdict: str
    reason: str
    people: int


@dataclass(frozen=True)
class Waterfall:
    """One campaign of one run. ``adds`` and ``removes`` are the changes of a set; None for messages.

    ``entered`` and ``left`` count people with the verdict ``send`` in this run and not in the one before,
    and the other way round; None where there is no run before.
    """

    campaign: str
    slot: str
    candidates: int
    steps: tuple[Step, ...]
    adds: int | None
    removes: int | None
    entered: int | None
    left: int | None

    @property
    def to_send(self) -> int:
        """People with the verdict ``send``."""
        return sum(step.people for step in self.steps if step.verdict == "send")


def waterfalls(directory: Path, before: Path | None = None) -> list[Waterfall]:
    """One waterfall per campaign of an exported or frozen run, in order of priority.

    ``before`` is the directory of the run to compare with.
    """
    decisions, memberships = directory / "decisions.parquet", directory / "outbox_memberships.parquet"
    with connect() as engine:
        rows = engine.execute(
            "select campaign, max(slot) over (partition by campaign), priority, verdict, coalesce(reason, ''), people "
            "from (select campaign, slot, priority, verdict, reason, count(*) as people "
            "from read_parquet(?) group by all)",
            [str(decisions)],
        ).fetchall()
        changed = engine.execute(
            "select campaign, operation, count(*) from read_parquet(?) group by all", [str(memberships)]
        ).fetchall()
        moved = {}
        if before is not None:
            moved = {
                campaign: (entered, left)
                for campaign, entered, left in engine.execute(
                    "with now as (select campaign, customer_id from read_parquet(?) where verdict = 'send'), "
                    "earlier as (select campaign, customer_id from read_parquet(?) where verdict = 'send') "
                    "select coalesce(now.campaign, earlier.campaign), "
                    "count(*) filter (earlier.customer_id is null), count(*) filter (now.customer_id is null) "
                    "from now full join earlier using (campaign, customer_id) group by 1",
                    [str(decisions), str(before / "decisions.parquet")],
                ).fetchall()
            }
    found = []
    names = {(priority, campaign): slot for campaign, slot, priority, *_ in rows}
    for (_, campaign), slot in sorted(names.items()):
        steps = [Step(row[3], row[4], row[5]) for row in rows if row[0] == campaign]
        steps.sort(key=lambda step: (_ORDER[step.verdict], -step.people, step.reason))
        entered, left = moved.get(campaign, (0, 0)) if before is not None else (None, None)
        changes = {operation: people for name, operation, people in changed if name == campaign}
        found.append(
            Waterfall(
                campaign=campaign,
                slot=slot,
                candidates=sum(step.people for step in steps),
                steps=tuple(steps),
                adds=changes.get("add", 0) if changes else None,
                removes=changes.get("remove", 0) if changes else None,
                entered=entered,
                left=left,
            )
        )
    return found


def as_text(waterfall: Waterfall) -> str:
    """A waterfall for a terminal."""
    lines = [f"{waterfall.campaign}  ({waterfall.slot})", f"  {'candidates':<34}{waterfall.candidates:>8,}"]
    lines += [f"  {_label(step):<34}{-step.people:>8,}" for step in waterfall.steps if step.verdict != "send"]
    lines.append(
        f"  {'to send' if waterfall.adds is None else 'wanted in the audience':<34}{waterfall.to_send:>8,}"
    )
    if waterfall.adds is not None:
        lines.append(
            f"  {'changes: to add / to remove':<34}{f'{waterfall.adds:,} / {waterfall.removes:,}':>8}"
        )
    if waterfall.entered is not None:
        lines.append(
            f"  {'since the run before: in / out':<34}{f'{waterfall.entered:,} / {waterfall.left:,}':>8}"
        )
    return "\n".join(lines)


def as_markdown(found: list[Waterfall]) -> str:
    """All waterfalls as Markdown, one table each."""
    parts = []
    for waterfall in found:
        rows = [("candidates", waterfall.candidates)]
        rows += [(_label(step), -step.people) for step in waterfall.steps if step.verdict != "send"]
        rows.append(
            ("**to send**" if waterfall.adds is None else "**wanted in the audience**", waterfall.to_send)
        )
        if waterfall.adds is not None:
            rows += [("to add", waterfall.adds), ("to remove", waterfall.removes or 0)]
        if waterfall.entered is not None:
            rows += [("entered since the run before", waterfall.entered), ("left", waterfall.left or 0)]
        table = "\n".join(f"| {label} | {people:,} |" for label, people in rows)
        parts.append(
            f"### {waterfall.campaign} ({waterfall.slot})\n\n| step | people |\n|---|---:|\n{table}\n"
        )
    return "\n".join(parts) or "No campaign had a candidate.\n"


def _label(step: Step) -> str:
    return f"{step.verdict}: {step.reason.replace('_', ' ')}"
