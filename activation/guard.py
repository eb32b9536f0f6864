"""Guards: reads the verdicts that SQL reached and the tests that failed, and obeys them.

A held campaign gives its reservations back at once: it is mended and run again under a new run id. One that
waits for its approver keeps its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from activation import ledger
from activation.approvals import standing
from activation.clock import naive_utc
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect, read_manifest
from activation.home import Home


class Verdict(StrEnum):
    """What a campaign of a run may do."""

    GO = "go"
    HOLD = "hold"
    APPROVE = "approve"


@dataclass(frozen=True)
class Ruling:
    """The verdict on one campaign, why, and how many people or set changes it plans.

    ``held_removals`` tells of each set that too many people would leave at once: those removals alone are not in the
    outbox, whatever the verdict on all else.
    """

    campaign: str
    verdict: Verdict
    reasons: tuple[str, ...]
    planned: int
    held_removals: tuple[str, ...] = ()


def judge(directory: Path, held: Mapping[str, str], campaigns: Sequence[str]) -> dict[str, Ruling]:
    """The rulings on the ``campaigns`` of an exported or frozen run, before any approval.

    ``held`` are those of which a test failed, and why. Raises ``ConfigurationError`` where one is not in the run.
    """
    with connect() as engine:
        inputs = [
            str(row[0])
            for row in engine.execute(
                "select explanation from read_parquet(?) where is_tripped order by source_table, guard",
                [str(directory / "guard_inputs.parquet")],
            ).fetchall()
        ]
        tripped = engine.execute(
            "select campaign, consequence, explanation from read_parquet(?) where is_tripped order by all",
            [str(directory / "guard_campaigns.parquet")],
        ).fetchall()
        removals = (
            engine.execute(
                "select campaign, explanation from read_parquet(?) where is_tripped order by all",
                [str(directory / "guard_removals.parquet")],
            ).fetchall()
            if (directory / "guard_removals.parquet").exists()
            else []
        )
        sizes = dict(
            engine.execute(
                "select campaign, people_planned from read_parquet(?)",
                [str(directory / "campaign_sizes.parquet")],
            ).fetchall()
        )
    rulings = {}
    for campaign in campaigns:
        if campaign not in sizes:
            raise ConfigurationError(
                f"{directory} is damaged: it was made for {campaign}, and holds no size of it; restore it from a backup"
            )
        planned = int(sizes[campaign])
        holds = [*inputs, *([held[campaign]] if campaign in held else [])]
        holds += [why for name, consequence, why in tripped if name == campaign and consequence == "hold"]
        waits = [why for name, consequence, why in tripped if name == campaign and consequence == "approve"]
        verdict = Verdict.HOLD if holds else Verdict.APPROVE if waits else Verdict.GO
        held_removals = tuple(why for name, why in removals if name == campaign)
        rulings[campaign] = Ruling(campaign, verdict, tuple(holds or waits), planned, held_removals)
    return rulings


def rule(home: Home, run: FrozenRun) -> dict[str, Ruling]:
    """The rulings on a frozen run, with the approvals given so far. Changes nothing.

    Raises ``ConfigurationError`` where its manifest or an approval is damaged.
    """
    manifest = read_manifest(run)
    rulings = judge(run.directory, manifest.held, manifest.campaigns)
    return {campaign: _final(home, run, ruling) for campaign, ruling in rulings.items()}


def _final(home: Home, run: FrozenRun, ruling: Ruling) -> Ruling:
    if ruling.verdict is Verdict.HOLD:
        return ruling
    if was_released(home, run, ruling.campaign):
        why = "it was held or declined before and gave its reservations back: start a new run (--run-id)"
        return replace(ruling, verdict=Verdict.HOLD, reasons=(why,))
    approval = standing(home, run, ruling.campaign) if ruling.verdict is Verdict.APPROVE else None
    if approval is None:
        return ruling
    if not approval.is_granted:
        return replace(ruling, verdict=Verdict.HOLD, reasons=("declined by its approver",))
    if approval.up_to < ruling.planned:
        why = f"approved up to {approval.up_to:,} people only, {ruling.planned:,} are planned"
        return replace(ruling, reasons=(why,))
    return replace(ruling, verdict=Verdict.GO, reasons=("approved by its approver",))


def release_held(home: Home, run: FrozenRun, rulings: Mapping[str, Ruling], now: datetime) -> None:
    """Give back the reservations of every campaign that is held; a second time changes nothing."""
    for ruling in rulings.values():
        if ruling.verdict is Verdict.HOLD:
            release(home, run, ruling.campaign, "; ".join(ruling.reasons), now)


def was_released(home: Home, run: FrozenRun, campaign: str) -> bool:
    """Whether the campaign's reservations of this run were given back."""
    return (home.ledger / "releases" / f"{run.run_id}.{campaign}.parquet").exists()


def release(home: Home, run: FrozenRun, campaign: str, reason: str, now: datetime) -> None:
    """Give the campaign's reservations of this run back; a second time changes nothing."""
    if was_released(home, run, campaign):
        return
    row = {
        "run_id": [run.run_id],
        "as_of": [naive_utc(run.as_of)],
        "known_at": [naive_utc(now)],
        "campaign": [campaign],
        "reason": [reason],
    }
    ledger.append(home, "releases", f"{run.run_id}.{campaign}", pa.table(row, schema=ledger.RELEASES))
